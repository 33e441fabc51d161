import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type NetConnectOpts } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { textOf } from '@q/bytes';
import { writeCdb } from '@q/cdb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Listener,
  type ListenOptions,
  listen,
  listenOptionsOf,
  type Session,
} from './index.ts';

let dir: string;
let lines: string[];
let open: Listener[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'listener-'));
  lines = [];
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((listener) => listener.close()));
  rmSync(dir, { recursive: true });
});

/** Where this host has no IPv6, another listener on the same address. */
const OTHER = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
)
  ? '[::1]'
  : '127.0.0.1';

const log = (line: string) => void lines.push(line);

async function start(session: Session, options: Partial<ListenOptions> = {}): Promise<Listener> {
  const listener = await listen(session, {
    addresses: ['127.0.0.1:0'],
    graceSeconds: 0.2,
    log,
    ...options,
  });
  open.push(listener);
  return listener;
}

function where(address: string): NetConnectOpts {
  if (address.startsWith('unix:')) return { path: address.slice(5) };
  const cut = address.lastIndexOf(':');
  return {
    host: address.slice(0, cut).replace(/[[\]]/g, ''),
    port: Number(address.slice(cut + 1)),
  };
}

/** Says `words`, and hears the other side out. */
async function talk(address: string, words: string, from?: string): Promise<string> {
  const socket = connect({ ...where(address), ...(from && { localAddress: from }) });
  socket.on('error', () => {});
  socket.end(words);
  let heard = '';
  for await (const chunk of socket) heard += textOf(chunk);
  return heard;
}

const echo: Session = async (conn) => {
  for (let line = await conn.readLine(100); line; line = await conn.readLine(100)) {
    if (textOf(line) === 'bug') throw new Error('a bug\nin here');
    conn.write(`${textOf(line)}!\r\n`);
  }
};

/** Holds each session until released, and counts them. */
function holding(): { session: Session; begun: () => number; release: () => void } {
  let begun = 0;
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const session: Session = async (conn) => {
    begun++;
    conn.write('hello\r\n');
    await conn.flush();
    await gate;
  };
  return { session, begun: () => begun, release };
}

test('many addresses are served by one process, and logged as tcpserver does', async () => {
  const unix = `unix:${join(dir, 'sock')}`;
  const listener = await start(echo, { addresses: ['127.0.0.1:0', `${OTHER}:0`, unix] });
  expect(listener.addresses[2]).toBe(unix);
  for (const address of listener.addresses) expect(await talk(address, 'hi\n')).toBe('hi!\r\n');
  await expect.poll(() => lines.at(-1)).toBe('status: 0/40');
  const log = lines.join('\n');
  expect(log).toMatch(/^pid 1 from 127\.0\.0\.1$/m);
  expect(log).toMatch(/^ok 1 :127\.0\.0\.1:\d+ :127\.0\.0\.1::\d+$/m);
  expect(log).toMatch(OTHER === '[::1]' ? /^pid 2 from ::1$/m : /^pid 2 from 127\.0\.0\.1$/m);
  expect(log).toMatch(/^pid 3 from unknown$/m);
  expect(log).toMatch(/^end 1 status 0$/m);
});

test('the peer is described as tcpserver would, and stale variables of the host are not passed on', async () => {
  let seen: unknown;
  const listener = await start(
    async (_conn, peer) => {
      seen = peer;
    },
    {
      env: {
        QMAILQUEUE: '/x',
        TCPREMOTEINFO: 'old',
        TCPREMOTEHOST: 'old',
        TCPLOCALHOST: 'mx.test',
      },
    },
  );
  await talk(listener.addresses[0] as string, '');
  expect(seen).toMatchObject({ remoteIp: '127.0.0.1', localIp: '127.0.0.1', localHost: 'mx.test' });
  expect(seen).not.toHaveProperty('remoteHost');
  expect(seen).toHaveProperty('env.PROTO', 'TCP');
  expect(seen).toHaveProperty('env.QMAILQUEUE', '/x');
  expect(seen).not.toHaveProperty('env.TCPREMOTEINFO');
});

test('an exception ends its own session only, and is one log line', async () => {
  const listener = await start(echo);
  const address = listener.addresses[0] as string;
  const other = connect(where(address));
  const [bad] = await Promise.all([talk(address, 'hi\nbug\n'), talk(address, 'ok\n')]);
  expect(bad).toBe('hi!\r\n');
  other.end('still\n');
  let heard = '';
  for await (const chunk of other) heard += textOf(chunk);
  expect(heard).toBe('still!\r\n');
  expect(lines.filter((line) => line.includes('a bug'))).toEqual([
    expect.stringMatching(/^warning: \d+ internal error: a bug\\x0ain here$/),
  ]);
});

test('a connection over the limit hears the busy words, and a free place is taken again', async () => {
  const { session, begun, release } = holding();
  const listener = await start(session, { max: 2, busy: '421 busy' });
  const address = listener.addresses[0] as string;
  const first = [talk(address, ''), talk(address, '')];
  await expect.poll(begun).toBe(2);
  expect(await talk(address, 'EHLO x\r\n')).toBe('421 busy\r\n');
  release();
  expect(await Promise.all(first)).toEqual(['hello\r\n', 'hello\r\n']);
  await expect.poll(() => lines.at(-1)).toBe('status: 0/2');
  expect(await talk(address, '')).toBe('hello\r\n');
});

test('one address cannot take all places', async () => {
  const { session, begun, release } = holding();
  const listener = await start(session, {
    maxPerIp: 1,
    busy: '421 busy',
  });
  const address = listener.addresses[0] as string;
  const held = [talk(address, '')];
  await expect.poll(begun).toBe(1);
  expect(await talk(address, '')).toBe('421 busy\r\n');
  held.push(talk(address, '', '127.0.0.2'));
  await expect.poll(begun).toBe(2);
  release();
  expect(await Promise.all(held)).toEqual(['hello\r\n', 'hello\r\n']);
  expect(lines.join('\n')).toMatch(/^deny 2 .* full for this address$/m);
});

test('rules set variables or keep callers out, and a changed file counts from the next connection', async () => {
  const rules = join(dir, 'rules.cdb');
  const put = (data: string) =>
    writeCdb(rules, [[Buffer.from('127.'), Buffer.from(data)]], { mode: 0o644 });
  const listener = await start(
    async (conn, peer) => conn.write(`relay=${peer.env.RELAYCLIENT} info=${peer.remoteInfo}`),
    { rules, busy: '421 busy' },
  );
  const address = listener.addresses[0] as string;
  expect(await talk(address, '')).toBe('421 busy\r\n');
  await put('+RELAYCLIENT=\0+TCPREMOTEINFO=me\0');
  expect(await talk(address, '')).toBe('relay= info=me');
  await put('D\0');
  expect(await talk(address, '')).toBe('');
});

test('after a stop idle sessions end at once, busy ones get their grace, and no new one begins', async () => {
  const ended: string[] = [];
  const listener = await start(
    async (conn) => {
      const kind = textOf((await conn.readLine(10)) ?? Buffer.alloc(0));
      conn.write(`${kind}\r\n`);
      try {
        await (kind === 'idle' ? conn.readLine(10) : conn.read());
      } finally {
        ended.push(kind);
      }
    },
    { graceSeconds: 600 },
  );
  const [idle, busy] = ['idle\n', 'busy\n'].map((word) => {
    const socket = connect(where(listener.addresses[0] as string));
    socket.write(word);
    return socket;
  }) as [ReturnType<typeof connect>, ReturnType<typeof connect>];
  const heard = [idle, busy].map(
    (socket) => new Promise((resolve) => socket.once('data', resolve)),
  );
  await Promise.all(heard);
  const closed = listener.close();
  await expect.poll(() => ended).toEqual(['idle']);
  await expect(
    new Promise((resolve, reject) => {
      connect(where(listener.addresses[0] as string))
        .once('connect', resolve)
        .once('error', reject);
    }),
  ).rejects.toThrow('ECONNREFUSED');
  idle.destroy();
  busy.end('rest');
  await closed;
  await listener.closed;
  expect(ended).toEqual(['idle', 'busy']);
});

test('a session that ignores the stop is cut after the grace', async () => {
  const listener = await start(() => new Promise<void>(() => {}));
  const socket = connect(where(listener.addresses[0] as string));
  socket.on('error', () => {});
  await expect.poll(() => lines.some((line) => line.startsWith('ok'))).toBe(true);
  await Promise.all([listener.close(), new Promise((resolve) => socket.once('close', resolve))]);
});

test('a stale unix socket is replaced, a live one is not taken away', async () => {
  const path = join(dir, 'sock');
  const listener = await start(echo, { addresses: [`unix:${path}`] });
  await expect(start(echo, { addresses: ['127.0.0.1:0', `unix:${path}`] })).rejects.toThrow(
    'unable to listen on unix:',
  );
  expect(await talk(`unix:${path}`, 'a\n')).toBe('a!\r\n');
  expect(statSync(path).isSocket()).toBe(true);
  await listener.close();
});

test('an address in use is a fault that names it, and nothing stays open', async () => {
  const taken = createServer();
  await new Promise<void>((ready) => taken.listen(0, '127.0.0.1', ready));
  const { port } = taken.address() as { port: number };
  await expect(start(echo, { addresses: ['127.0.0.1:0', `127.0.0.1:${port}`] })).rejects.toThrow(
    `unable to listen on 127.0.0.1:${port}: address already in use`,
  );
  taken.close();
});

test('the flags ask for a listener, or for one session', () => {
  expect(listenOptionsOf({}, {})).toBeUndefined();
  expect(() => listenOptionsOf({ max: 3 }, {})).toThrow('--max needs --listen');
  expect(() => listenOptionsOf({ listen: ['h:1'], max: 0 }, {})).toThrow('--max wants');
  const options = listenOptionsOf(
    { listen: ['h:1'], max: 3, 'max-per-ip': 2, backlog: 9, rules: 'r', user: 'u' },
    { A: 'b' },
  );
  expect(options).toEqual({
    addresses: ['h:1'],
    max: 3,
    maxPerIp: 2,
    backlog: 9,
    rules: 'r',
    user: 'u',
    env: { A: 'b' },
  });
  expect(listenOptionsOf({}, { LISTEN_FDS: '1' })?.addresses).toEqual(['fd:3']);
});

test('descriptors are not leaked by a thousand connections', async () => {
  const listener = await start(echo, { max: 50 });
  const address = listener.addresses[0] as string;
  const count = () => readdirSync('/proc/self/fd').length;
  await talk(address, 'x\n');
  const before = count();
  for (let i = 0; i < 50; i++) {
    await Promise.all(Array.from({ length: 20 }, () => talk(address, 'x\n')));
  }
  await expect.poll(() => lines.at(-1)).toBe('status: 0/50');
  await expect.poll(count).toBeLessThanOrEqual(before + 5);
});
