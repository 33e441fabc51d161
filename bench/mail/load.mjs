// The load and the far end: postfix's smtp-source and smtp-sink, and the systems' own clients. All in C or as
// they are, so that what makes the load is not what is measured.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, until } from '../shared/processes.mjs';

/**
 * Sends `count` messages by SMTP. Resolves to {accepted, seconds}: how many the server has answered 250 to, and
 * when the last connection was closed, or the limit was reached.
 */
export async function sendBySmtp({ bytes, connections, many, count }, { port, to, limitMs }) {
  const words = [
    '-c',
    ...(many ? ['-d'] : []),
    '-s',
    String(connections),
    '-m',
    String(count),
    '-l',
    String(bytes),
    '-M',
    'client.test',
    '-f',
    'sender@client.test',
    '-t',
    to,
    `127.0.0.1:${port}`,
  ];
  const { code, seconds, out, err } = await timed('smtp-source', words, {}, limitMs);
  if (code !== 0 && code !== null) throw new Error(`smtp-source: ${err || `exit ${code}`}`);
  // The running counter: numbers after carriage returns.
  const accepted = code === 0 ? count : Number(out.trim().split(/\s+/).at(-1) || 0);
  return { accepted, seconds };
}

/** Calls the system's client `count` times as its user, `connections` at a time. */
export async function sendByClient(
  { bytes, connections, count },
  { system, site, recipients, limitMs },
) {
  const message = join(site.work, 'message');
  writeFileSync(message, messageOf(bytes));
  const script = join(site.work, 'inject.sh');
  writeFileSync(script, `${system.inject('sender@client.test', recipients, message)}\n`);
  const { uid, gid, home } = site.user;
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    USER: site.user.name,
    LOGNAME: site.user.name,
  };
  const calls = `seq ${count} | xargs -n 1 -P ${connections} sh ${script}`;
  const { code, seconds, out, err } = await timed(
    'sh',
    ['-c', calls],
    { uid, gid, env, cwd: '/' },
    limitMs,
  );
  if (code !== 0 && code !== null) throw new Error(`${script}: exit ${code}: ${err}${out}`);
  return { accepted: code === 0 ? count : undefined, seconds };
}

/** A far end on `port`; {received(), close()}. */
export async function openSink(port) {
  const child = spawn('smtp-sink', ['-c', '-u', 'nobody', `127.0.0.1:${port}`, '512']);
  let said = '';
  child.stderr.resume();
  child.stdout.on('data', (data) => {
    said = (said + data.toString('latin1')).slice(-200);
  });
  if (!(await until(() => listens(port), 10_000))) throw new Error('smtp-sink does not start');
  return {
    received: () => Number([...said.matchAll(/mesg=(\d+)/g)].at(-1)?.[1] ?? 0),
    async close() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

function listens(port) {
  return must('ss', ['-Hltn', `sport = :${port}`]).includes(`:${port}`);
}

async function timed(file, words, options, limitMs) {
  const start = performance.now();
  const child = spawn(file, words, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => {
    out = (out + data.toString('latin1')).slice(-1000);
  });
  child.stderr.on('data', (data) => {
    err = (err + data.toString('latin1')).slice(-1000);
  });
  let seconds = 0;
  child.on('exit', () => {
    seconds = (performance.now() - start) / 1000;
  });
  // Its own process group, so that a client's children end with it.
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), limitMs);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code, seconds, out, err };
}

/** A message of `bytes` in lines that end in LF, as a program hands it to its local client. */
function messageOf(bytes) {
  const head = 'From: sender@client.test\nSubject: bench\nDate: Sun, 1 Nov 2026 12:00:00 +0000\n\n';
  return head + `${'X'.repeat(79)}\n`.repeat(Math.ceil(bytes / 80));
}
