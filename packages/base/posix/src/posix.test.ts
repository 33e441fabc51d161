import { execFileSync, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  crypt,
  cryptAsync,
  findProgram,
  gensalt,
  getgrgid,
  getgrnam,
  getpwnam,
  getpwuid,
  messagePair,
  mkfifo,
  peerCredentials,
  pipe,
  receiveMessage,
  sendMessage,
  socketpair,
} from './index.ts';

const isRoot = process.getuid?.() === 0;
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'posix-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs a snippet that uses @q/posix as `posix` in a process of its own; gives its stdout. */
async function inProcess(snippet: string): Promise<string> {
  const file = join(import.meta.dirname, `.snippet-${process.pid}.cjs`);
  const entry = `import * as posix from './index.ts'; ${snippet}`;
  await build({
    stdin: { contents: entry, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: file,
    external: ['koffi'],
    define: { 'import.meta.url': '__u' },
    banner: { js: "const __u = require('node:url').pathToFileURL(__filename).href;" },
  });
  try {
    return execFileSync(process.execPath, [file], {
      encoding: 'latin1',
      env: { PATH: process.env.PATH },
    });
  } finally {
    rmSync(file);
  }
}

test('accounts and groups are found by name and by number, and a missing one is undefined', () => {
  expect(getpwnam('root')).toMatchObject({ uid: 0, gid: 0, home: '/root' });
  expect(getpwuid(0)?.name).toBe('root');
  expect(getgrnam('root')).toEqual({ name: 'root', gid: 0 });
  expect(getgrgid(0)?.name).toBe('root');
  expect(getpwnam('no-such-user-here')).toBeUndefined();
  expect(getpwuid(3_999_999_999)).toBeUndefined();
  expect(getgrnam('no-such-group-here')).toBeUndefined();
  expect(() => getpwnam('root\0x')).toThrow();
});

test('crypt verifies the hashes of a shadow file, and an unknown method gives nothing', async () => {
  const password = Buffer.from('correct horse');
  for (const prefix of ['$y$', '$6$', '$5$', '$1$']) {
    const setting = gensalt(prefix) as string;
    const hash = crypt(password, setting) as string;
    expect(hash.startsWith(prefix)).toBe(true);
    expect(crypt(password, hash)).toBe(hash);
    expect(await cryptAsync(password, hash)).toBe(hash);
    expect(crypt(Buffer.from('wrong'), hash)).not.toBe(hash);
  }
  // From the crypt(3) test vectors of traditional DES and MD5.
  expect(crypt(Buffer.from('password'), '$1$saltstri$')).toMatch(
    /^\$1\$saltstri\$[./0-9A-Za-z]{22}$/,
  );
  expect(crypt(Buffer.from('test'), 'zz')).toMatch(/^zz[./0-9A-Za-z]{11}$/);
  expect(crypt(password, '$unknown$x')).toBeUndefined();
  expect(crypt(password, '')).toBeUndefined();
  expect(() => crypt(Buffer.from('a\0b'), '$6$x')).toThrow();
});

test('a pipe carries bytes, a socketpair sees the other end go', () => {
  const { read, write } = pipe();
  writeSync(write, 'abc');
  closeSync(write);
  const buffer = Buffer.alloc(8);
  expect(readSync(read, buffer)).toBe(3);
  expect(readSync(read, buffer)).toBe(0);
  closeSync(read);
  const [a, b] = socketpair();
  closeSync(a);
  expect(readSync(b, buffer)).toBe(0);
  expect(fstatSync(b).isSocket()).toBe(true);
  closeSync(b);
});

test('open files go over a socket with their message, again and again', () => {
  const [here, there] = messagePair();
  const buffer = Buffer.alloc(100);
  for (let round = 0; round < 100; round++) {
    const { read, write } = pipe();
    expect(sendMessage(here, Buffer.from(`call ${round}`), [read, write])).toBe(true);
    expect(sendMessage(here, Buffer.from('nothing with it'), [])).toBe(true);
    closeSync(read);
    closeSync(write);
    const first = received(there, buffer);
    expect(String(first.bytes)).toBe(`call ${round}`);
    const [in2, out2] = first.fds as [number, number];
    expect(received(there, buffer)).toEqual({ bytes: Buffer.from('nothing with it'), fds: [] });
    writeSync(out2, `round ${round}`);
    closeSync(out2);
    expect(buffer.toString('latin1', 0, readSync(in2, buffer))).toBe(`round ${round}`);
    expect(readSync(in2, buffer)).toBe(0);
    closeSync(in2);
  }
  expect(receiveMessage(there, buffer, { wait: false })).toBe('none');
  closeSync(here);
  expect(receiveMessage(there, buffer, { wait: true })).toBe('end');
  closeSync(there);
});

test('a message that is too big for its taker is a fault, and its files do not stay open', () => {
  const [here, there] = messagePair();
  const { read, write } = pipe();
  sendMessage(here, Buffer.from('long'), [write]);
  expect(() => receiveMessage(there, Buffer.alloc(3), { wait: true })).toThrow('too big');
  sendMessage(here, Buffer.from('x'), new Array(20).fill(write));
  expect(() => receiveMessage(there, Buffer.alloc(3), { wait: true })).toThrow('too big');
  closeSync(write);
  expect(readSync(read, Buffer.alloc(1))).toBe(0);
  closeSync(read);
  closeSync(here);
  closeSync(there);
});

test('a message is not sent when it is bigger than the socket or nobody makes room, and then it is not lost in part', () => {
  const [here, there] = messagePair();
  expect(sendMessage(here, Buffer.alloc(10_000_000), [])).toBe(false);
  let sent = 0;
  while (sendMessage(here, Buffer.alloc(1000, sent), [])) sent++;
  expect(sent).toBeGreaterThan(10);
  const buffer = Buffer.alloc(2000);
  for (let i = 0; i < sent; i++)
    expect(received(there, buffer).bytes.equals(Buffer.alloc(1000, i))).toBe(true);
  closeSync(there);
  expect(() => sendMessage(here, Buffer.from('x'), [])).toThrow('unable to pass descriptors');
  closeSync(here);
  expect(() => sendMessage(9999, Buffer.from('x'), [])).toThrow();
});

function received(socket: number, buffer: Buffer) {
  const message = receiveMessage(socket, buffer, { wait: false });
  if (typeof message === 'string') throw new Error(`no message: ${message}`);
  return message;
}

test('a FIFO is made with its mode, and not over an existing name', () => {
  const path = join(dir, 'fifo');
  mkfifo(path, 0o600);
  expect(statSync(path).isFIFO()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(() => mkfifo(path, 0o600)).toThrow(/exist/);
});

test('the kernel says who is at the other end of a unix socket', async () => {
  const path = join(dir, 'socket');
  const server = createServer();
  await new Promise<void>((ready) => server.listen(path, ready));
  const seen = new Promise<ReturnType<typeof peerCredentials>>((resolve) => {
    server.once('connection', (socket) => {
      const handle = (socket as unknown as { _handle: { fd: number } })._handle;
      resolve(peerCredentials(handle.fd));
      socket.destroy();
    });
  });
  const client = connect(path);
  client.on('error', () => {});
  expect(await seen).toEqual({
    pid: process.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
  });
  client.destroy();
  server.close();
});

test('execve becomes the program: same pid, stated environment, default signals, only stated descriptors', async () => {
  const out = await inProcess(`
    require('node:fs').writeSync(1, 'pid ' + process.pid + '\\n');
    posix.execve('/bin/sh', ['sh', '-c', 'echo pid $$; echo "[$ONLY][$PATH]"; grep SigIgn /proc/self/status; ls /proc/self/fd | tr "\\\\n" " "'], { ONLY: 'this', PATH: '/bin:/usr/bin' });
  `);
  const [before, after, env, ignored, fds] = out.split('\n');
  expect(after).toBe(before);
  expect(env).toBe('[this][/bin:/usr/bin]');
  const pipeBit = 1n << 12n;
  expect(BigInt(`0x${ignored?.split('\t')[1]}`) & pipeBit).toBe(0n);
  // What the test runner itself was started with is not ours to close.
  const inherited = execFileSync('ls', ['/proc/self/fd'], { encoding: 'latin1' }).split('\n');
  const extra = (fds ?? '')
    .trim()
    .split(' ')
    .filter((fd) => !inherited.includes(fd));
  expect(extra).toEqual([]);
});

test('execve of what cannot be run throws a fault and changes nothing', async () => {
  const out = await inProcess(`
    try { posix.execve('/no/such/program', ['x'], {}); } catch (e) { console.log(e.name, e.message); }
  `);
  expect(out).toBe('Permanent unable to run /no/such/program: no such file or directory\n');
});

test('an alarm ends a process that is blocked in a read', async () => {
  const child = spawn('sleep', ['1000']);
  child.kill();
  await expect(
    inProcess("posix.alarm(1); require('node:fs').readSync(posix.pipe().read, Buffer.alloc(1));"),
  ).rejects.toMatchObject({ signal: 'SIGALRM' });
});

test('a child that dies after Node lost its descriptors to dup2 does not keep execve from happening', async () => {
  const out = await inProcess(`
    const { spawn } = require('node:child_process');
    const { readFileSync } = require('node:fs');
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    child.once('spawn', () => {
      const raised = posix.dupAbove(posix.pipe().read, 64);
      posix.forgetChildren();
      for (let fd = 3; fd < 24; fd++) posix.dup2(raised, fd);
      process.kill(child.pid, 'SIGKILL');
      while (!readFileSync('/proc/' + child.pid + '/stat', 'latin1').includes(') Z ')) {}
      posix.execve('/bin/echo', ['echo', 'done'], {});
    });
  `);
  expect(out).toBe('done\n');
});

test('programs are found through PATH, and a directory or a plain file is not a program', () => {
  expect(findProgram('sh', '/nowhere:/bin')).toBe('/bin/sh');
  expect(() => findProgram('tmp', '/')).toThrow('not found in PATH');
  expect(() => findProgram('/etc/passwd', '/bin')).toThrow(/permission denied/);
});

test.runIf(isRoot)('dropped rights are gone: groups, gid, uid (needs root)', async () => {
  const out = await inProcess(`
    posix.dropPrivileges({ uid: 52525, gid: 52526, groups: [52526] });
    console.log(process.getuid(), process.geteuid(), process.getgid(), process.getgroups().join());
    try { process.setuid(0); console.log('root again'); } catch { console.log('gone'); }
  `);
  expect(out).toBe('52525 52525 52526 52526\ngone\n');
});

test.runIf(isRoot)('becoming root is refused (needs root)', async () => {
  expect(
    await inProcess(
      'try { posix.dropPrivileges({ uid: 0, gid: 0 }); } catch (e) { console.log(e.message); }',
    ),
  ).toBe('will not run as root\n');
});
