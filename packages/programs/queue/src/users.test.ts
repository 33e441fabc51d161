import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { client, send } from './testing/client.ts';
import {
  debris,
  type Instance,
  isRoot,
  makeInstance,
  makeTree,
  queuedMessages,
  removeInstance,
  startServer,
  until,
} from './testing/instance.ts';

let instance: Instance;

beforeEach(async () => {
  instance = await makeInstance();
});
afterEach(() => removeInstance(instance));

const serve = (options?: { lifeline?: boolean }) => startServer(instance, options);

const NOBODY = 65_534;

/** qmail-queue run as another user: exit code. */
async function asUser(uid: number, message: string, envelope: string): Promise<number> {
  const child = spawn(instance.program, [], {
    env: instance.env,
    uid,
    gid: uid,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const fd1 = child.stdout as unknown as Writable;
  for (const stream of [child.stdin, fd1]) stream.on('error', () => {});
  child.stdin?.end(message);
  fd1.end(envelope);
  return (await once(child, 'exit'))[0] as number;
}

test.runIf(isRoot)(
  "another user's qmail-queue goes through the socket, and the kernel says whose it is (needs root)",
  async () => {
    await serve();
    expect(await asUser(NOBODY, 'x'.repeat(300_000), 'Fa@b\0Tc@d\0\0')).toBe(0);
    const [queued] = queuedMessages(instance.home);
    expect(queued?.envelope.uid).toBe(NOBODY);
    expect(queued?.received).toContain(`invoked by uid ${NOBODY})`);
    expect(queued?.body.length).toBe(300_000);
    expect(await asUser(NOBODY, 'x', 'F\0X')).toBe(91);
    expect(await asUser(NOBODY, 'x', `F${'x'.repeat(1003)}\0\0`)).toBe(11);
    expect(await asUser(NOBODY, 'x', 'Fa@b\0')).toBe(54);
    expect(debris(instance.home)).toEqual([]);
  },
);

test.runIf(isRoot)(
  "without a server another user's qmail-queue exits 56 (needs root)",
  async () => {
    expect(await asUser(NOBODY, 'x', 'Fa@b\0\0')).toBe(56);
  },
);

test.runIf(isRoot)('one user cannot take all connections (needs root)', async () => {
  await serve();
  const script = `
    const net = require('node:net');
    let open = 0, refused = 0;
    for (let i = 0; i < 144; i++) {
      const s = net.connect(${JSON.stringify(join(instance.home, 'run/queue.socket'))}, () => open++);
      s.on('error', () => {});
      s.on('data', (d) => { if (String(d) === '2:71,') refused++; });
    }
    setInterval(() => process.stdout.write(refused + '\\n'), 50);
    process.stdin.resume().on('end', () => process.exit());`;
  const child = spawn(process.execPath, ['-e', script], {
    uid: NOBODY,
    gid: NOBODY,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let last = '';
  child.stdout.on('data', (chunk) => {
    last = String(chunk).trim().split('\n').at(-1) ?? '';
  });
  await until(() => last === '16');
  expect((await send(client(instance.home), "qmail's own still get in\n")).code).toBe(0);
  child.stdin.end();
  await once(child, 'exit');
});

test.runIf(isRoot)(
  'a full disk gives 53 or 63 and leaves nothing, and mail flows again afterwards (needs root)',
  async () => {
    const full = join(instance.home, 'small');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=755', 'tmpfs', full]);
    const whole = instance;
    try {
      instance = { ...whole, home: full, env: { ...whole.env, QMAILHOME: full } };
      makeTree(full);
      const server = await serve();
      const queue = client(instance.home);
      const result = await send(queue, Buffer.alloc(3_000_000));
      expect([result.code, result.text]).toEqual([53, 'Zqq write error or disk full (#4.3.0)']);
      await until(() => debris(full).length === 0);
      expect(await runDirect(Buffer.alloc(3_000_000))).toBe(53);
      expect(debris(full)).toEqual([]);
      expect(server.log()).toContain('no space left on device');

      // Filled up by messages: each is queued whole or refused and gone.
      let queued = 0;
      for (let code = 0; code === 0; ) {
        code = (await send(queue, Buffer.alloc(30_000))).code;
        if (code === 0) queued++;
        else expect([53, 63, 64, 65, 66]).toContain(code);
      }
      await until(() => debris(full).length === 0);
      expect(queuedMessages(full).length).toBe(queued);
      expect(queued).toBeGreaterThan(5);

      for (const { number } of queuedMessages(full).slice(0, 3))
        for (const name of ['todo', 'intd', `mess/${Number(number) % 23}`])
          rmSync(join(full, 'queue', name, number));
      expect((await send(queue, Buffer.alloc(30_000))).code).toBe(0);
      queue.close();
      await server.stop('SIGTERM');
    } finally {
      for (const server of instance.servers.splice(0)) await server.stop('SIGKILL');
      instance = whole;
      execFileSync('umount', [full]);
    }
  },
);

async function runDirect(message: Buffer): Promise<number> {
  const child = spawn(instance.program, [], {
    env: instance.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const fd1 = child.stdout as unknown as Writable;
  for (const stream of [child.stdin, fd1]) stream.on('error', () => {});
  child.stdin?.end(message);
  fd1.end('Fa@b\0\0');
  return (await once(child, 'exit'))[0] as number;
}
