// A load in a process of its own: it says "ready" in a line, waits for one, and says what it did as a line of JSON. What
// it holds open it lets go of at the end of its input.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** `job` goes to the script as JSON; after `limitMs` without the line that is waited for it is killed. */
export function startClient(script, job, limitMs) {
  const child = spawn(process.execPath, [script, JSON.stringify(job)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let trouble = '';
  child.stderr.on('data', (data) => {
    trouble = (trouble + data.toString('latin1')).slice(-2000);
  });
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    // A server that says nothing at all must not hold up the others.
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (done) throw new Error(`the client has ended: ${trouble}`);
    return value;
  };
  const ready = line();
  ready.catch(() => {});
  return {
    ready,
    async run() {
      child.stdin.write('go\n');
      return JSON.parse(await line());
    },
    async end() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
