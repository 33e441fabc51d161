// A message of 200 MB, over SMTP into the queue and from there into a Maildir, by the resident programs. It is made
// while it is sent and hashed while it is read: nobody holds it, not even as garbage that waits to be collected.

import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  logOf,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  stopInstance,
} from './lib/instance.ts';
import { processesOf, until } from './lib/processes.ts';

const MEGABYTE = 1_000_000;
const SIZE = 200 * MEGABYTE;
/** Most a process may grow by; measured: 7 MB, of which most is V8's own. */
const GROWTH_MAX = 30 * MEGABYTE;

let top = '';
let instance: RunningInstance | undefined;

afterEach(async () => {
  await removeInstance(join(top, 'var'), [instance?.supervisor]);
  await removeInstance(top, []);
});

test('a message of 200 MB reaches its Maildir unchanged, and no process grows by what it carries', {
  timeout: 900_000,
}, async () => {
  top = openDirectory('large-');
  const dir = join(top, 'var');
  instance = await startInstance(dir);
  writeFileSync(join(dir, 'alias/.qmail-drop'), './Maildir/\n');
  for (const sub of ['', 'tmp', 'new', 'cur']) makeOwned(join(dir, 'alias/Maildir', sub), dir);
  const arrived = join(dir, 'alias/Maildir/new');

  // One that is small starts whatever is started for a first message.
  await send(instance.smtpPort, pieces(10_000));
  await until('the small one is there', () => readdirSync(arrived).length === 1, 120);
  const before = memoryOf(dir);
  const peaks = new Peaks(dir);

  const hash = await send(instance.smtpPort, pieces(SIZE));
  const path = await until(
    'the large one is there',
    () =>
      readdirSync(arrived)
        .map((name) => join(arrived, name))
        .find(isLarge),
    600,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${logOf(dir)}`);
  });
  await until('the queue is empty', () => queued(dir) === 0, 120);
  expect(await hashOf(path)).toBe(hash);

  const grown = peaks.stop().map((peak) => {
    // A process that was not there before began as its like did.
    const then = before.find(({ pid }) => pid === peak.pid)?.bytes ?? smallest(before, peak.name);
    return { name: peak.name, grown: peak.bytes - then };
  });
  console.log(
    `large message: ${grown.map((one) => `${one.name} ${Math.round(one.grown / MEGABYTE)} MB`).join(', ')}`,
  );
  expect(grown.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'qmail-smtpd',
      'qmail-queue',
      'qmail-send',
      'qmail-lspawn',
      'qmail-local',
    ]),
  );
  expect(grown.filter((one) => one.grown > GROWTH_MAX)).toEqual([]);
  expect(await stopInstance(instance)).toBe(0);
});

/** So many bytes of message, in pieces, lines ended by CRLF; some lines begin with a dot. */
function* pieces(size: number): Generator<string, void, void> {
  yield 'Message-ID: <large@test>\r\n\r\n';
  for (let made = 0, n = 0; made < size; ) {
    let piece = '';
    for (; piece.length < 65_536; n++) {
      const stamp = n.toString(36);
      piece += n % 100 === 0 ? `.${stamp}\r\n` : `${stamp.padEnd(900, `${stamp} `)}\r\n`;
    }
    made += piece.length;
    yield piece;
  }
}

/** Sends it, no faster than it is taken; resolves to the hash of the message with lines ended by LF. */
async function send(port: number, text: Iterable<string>): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.setNoDelay(true);
  const replies = repliesOf(socket);
  const say = async (line: string) => {
    if (line !== '') socket.write(`${line}\r\n`);
    expect((await replies.next()).value).toMatch(/^[23]/);
  };
  await say('');
  for (const line of ['HELO large', 'MAIL FROM:<a@elsewhere.test>', 'RCPT TO:<drop@localhost>'])
    await say(line);
  await say('DATA');
  const hash = createHash('sha256');
  for (const piece of text) {
    hash.update(piece.replaceAll('\r\n', '\n'), 'latin1');
    const sent = piece.replaceAll(/^\./gm, '..');
    if (!socket.write(sent, 'latin1')) await once(socket, 'drain');
  }
  await say('.');
  socket.destroy();
  return hash.digest('hex');
}

async function* repliesOf(socket: Socket): AsyncGenerator<string, void, void> {
  let held = '';
  for await (const chunk of socket) {
    held += (chunk as Buffer).toString('latin1');
    for (let end = held.indexOf('\r\n'); end >= 0; end = held.indexOf('\r\n')) {
      yield held.slice(0, end);
      held = held.slice(end + 2);
    }
  }
}

/** The hash of a delivered message, from its Message-ID line on. */
async function hashOf(path: string): Promise<string> {
  let hash: Hash | undefined;
  for await (const chunk of createReadStream(path)) {
    const bytes = chunk as Buffer;
    if (hash !== undefined) hash.update(bytes);
    else hash = createHash('sha256').update(bytes.subarray(bytes.indexOf('Message-ID: <large@')));
  }
  return hash?.digest('hex') ?? '';
}

interface Memory {
  readonly pid: number;
  readonly name: string;
  readonly bytes: number;
}

/** What each process has of memory that is its own: not what it maps of its executable, which is everybody's. */
function memoryOf(dir: string): Memory[] {
  return processesOf(dir).flatMap(({ pid, name }) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(status)?.[1];
      return kilobytes === undefined ? [] : [{ pid, name, bytes: Number(kilobytes) * 1024 }];
    } catch {
      return []; // it ended meanwhile
    }
  });
}

/** The most that each process has had, as seen by looking again and again. */
class Peaks {
  readonly #dir: string;
  readonly #peaks = new Map<number, Memory>();
  readonly #timer: NodeJS.Timeout;

  constructor(dir: string) {
    this.#dir = dir;
    this.#timer = setInterval(() => this.#look(), 50);
  }

  stop(): Memory[] {
    clearInterval(this.#timer);
    this.#look();
    return [...this.#peaks.values()];
  }

  #look(): void {
    for (const one of memoryOf(this.#dir))
      if (one.bytes > (this.#peaks.get(one.pid)?.bytes ?? 0)) this.#peaks.set(one.pid, one);
  }
}

/** The least that a process of this name has; 0 if there is none. */
function smallest(memory: readonly Memory[], name: string): number {
  const sizes = memory.filter((one) => one.name === name).map(({ bytes }) => bytes);
  return sizes.length === 0 ? 0 : Math.min(...sizes);
}

function isLarge(path: string): boolean {
  return statSync(path).size > SIZE / 2;
}

function queued(dir: string): number {
  const info = join(dir, 'queue/info');
  const waiting = readdirSync(info).reduce(
    (n, split) => n + readdirSync(join(info, split)).length,
    0,
  );
  return waiting + readdirSync(join(dir, 'queue/todo')).length;
}

function makeOwned(path: string, like: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { uid, gid } = statSync(like);
  chownSync(path, uid, gid);
}
