import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  debris,
  faults,
  type Instance,
  makeInstance,
  queuedMessages,
  removeInstance,
} from './testing/instance.ts';

/** One is synced by threads while more of it comes or the envelope is written, the other one at once. */
const BODIES = [
  ['large', Buffer.alloc(100_000, 'b')],
  ['small', Buffer.alloc(2000, 'b')],
] as const;

let instance: Instance;

beforeAll(async () => {
  instance = await makeInstance([faults()]);
});
afterAll(() => removeInstance(instance));

/** Queues one message with FAULT in the environment: exit code or signal, and the operations that succeeded. */
async function run(fault: string, body: Buffer) {
  const trace = join(instance.home, 'run', 'trace');
  writeFileSync(trace, '', { mode: 0o666 });
  const child = spawn('/bin/sh', ['-c', `chmod 666 ${trace}; exec ${instance.program}`], {
    env: { ...instance.env, FAULT: fault, TRACE: trace },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const fd1 = child.stdout as unknown as Writable;
  for (const stream of [child.stdin, fd1]) stream.on('error', () => {});
  child.stdin?.end(body);
  fd1.end('Fa@b\0Tc@d\0\0');
  const [code, signal] = await once(child, 'exit');
  return {
    end: (code ?? signal) as number | string,
    trace: readFileSync(trace, 'utf8').trim().split('\n'),
  };
}

/** Queued messages are whole; then everything is removed. Returns how many there were, and what else. */
function sweep(sent: Buffer): { queued: number; left: string[] } {
  const messages = queuedMessages(instance.home);
  for (const { body, envelope } of messages) {
    expect(body.equals(sent)).toBe(true);
    expect(envelope).toMatchObject({ sender: 'a@b', recipients: ['c@d'] });
  }
  const left = debris(instance.home);
  for (const { number } of messages)
    left.push(`todo/${number}`, `intd/${number}`, `mess/${Number(number) % 23}/${number}`);
  for (const file of left) rmSync(join(instance.home, 'queue', file));
  return { queued: messages.length, left: left.slice(0, left.length - 3 * messages.length) };
}

test.each(BODIES)(
  'a %s message, its envelope and the names that lead to them are synced before the commit, the commit before success',
  async (_size, body) => {
    const { end, trace } = await run(':0', body);
    expect(end).toBe(0);
    const at = (pattern: RegExp, from = 0) => {
      const found = trace.findIndex((line, i) => i >= from && pattern.test(line));
      expect(found, `${pattern} in\n${trace.join('\n')}`).toBeGreaterThanOrEqual(0);
      return found;
    };
    const fdAt = (line: number) => / (\d+)$/.exec(trace[line] as string)?.[1];
    /** Where a directory is synced, by name or as an open file. */
    const directorySynced = (path: string) => {
      const found = at(new RegExp(`^(fsyncDir ${path}|openSync ${path} \\d+)$`));
      if (trace[found]?.startsWith('fsyncDir')) return found;
      return at(new RegExp(`^fsyncSync ${fdAt(found)}$`), found);
    };
    const mess = fdAt(at(/^createExclusiveSync queue\/pid\//));
    const intd = fdAt(at(/^createExclusiveSync queue\/intd\//));
    const commit = at(/^linkSync queue\/intd\/\d+ queue\/todo\/\d+$/);
    const named = at(/^linkSync queue\/pid\/\S+ queue\/mess\/\d+\/\d+$/);
    expect(named).toBeLessThan(at(/^unlinkSync queue\/pid/));
    const nameSynced = directorySynced('queue/mess/\\d+');
    expect(nameSynced).toBeGreaterThan(named);
    expect(nameSynced).toBeLessThan(commit);
    for (const fd of [mess, intd]) {
      const lastWrite = trace.findLastIndex((line) => line.match(`^writeFully(Sync)? ${fd}$`));
      expect(lastWrite).toBeGreaterThan(0);
      const synced = at(new RegExp(`^fsync(Fd|Sync) ${fd}$`));
      expect(lastWrite).toBeLessThan(synced);
      expect(synced).toBeLessThan(commit);
    }
    expect(directorySynced('queue/todo')).toBeGreaterThan(commit);
    sweep(body);
  },
);

test.each([
  ['EIO', ...BODIES[0]],
  ['EIO', ...BODIES[1]],
  ['ENOSPC', ...BODIES[0]],
  ['EMFILE', ...BODIES[1]],
] as const)(
  '%s in any step of a %s message has its exit code and leaves nothing; one once committed stays',
  async (errno, _size, body) => {
    const codes = new Set<number | string>();
    for (let step = 1; ; step++) {
      const { end, trace } = await run(`${errno}:${step}`, body);
      const { queued, left } = sweep(body);
      if (end === 0) {
        expect(queued).toBe(1);
        expect(step).toBeGreaterThan(14);
        break;
      }
      codes.add(end);
      expect(left, `after step ${step}`).toEqual([]);
      // Only when the commit itself could not be synced is a message both refused and queued.
      const committed = trace.some((line) => /^linkSync queue\/intd/.test(line));
      expect([end, queued]).toEqual(committed ? [66, 1] : [end, 0]);
    }
    expect([...codes].sort()).toEqual([53, 63, 64, 65, 66]);
  },
);

test('killed before any step, it leaves garbage of state S2 or S3, or a whole message', async () => {
  const [, body] = BODIES[1];
  for (let step = 1; ; step++) {
    const { end } = await run(`kill:${step}`, body);
    const { queued, left } = sweep(body);
    if (end === 0) break;
    expect(end).toBe('SIGKILL');
    expect(queued).toBeLessThanOrEqual(1);
    const kinds = left
      .map((file) => file.split('/')[0])
      .sort()
      .join(' ');
    expect(['', 'pid', 'mess pid', 'mess', 'intd mess']).toContain(kinds);
  }
});
