// vdeliver with the system calls under it failing and the process dying, at each of its steps: mailbox, quota, warning,
// forwards and autoresponse. What it reports as delivered is in the mailbox, whole, and has been forwarded, and what it
// does not comes with the next try, whatever the fault left behind.
//
//   FAULT_RUNS=2000   so many faults instead of 45
//   SEED=random       with another seed; it is printed

import { spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compileShim, FaultOrders } from './lib/fault-shim/fault-orders.ts';
import { countCalls, generator, orderAmong, PASSING_ERRORS } from './lib/fault-shim/fault-plan.ts';
import { DIST } from './lib/instance.ts';
import { SEED } from './lib/seed.ts';
import {
  collect,
  DOMAIN,
  deliveryVariables,
  makeVirtualDomain,
  type VirtualDomain,
} from './lib/virtual-domain.ts';

const FAULTS = Number(process.env.FAULT_RUNS ?? 45);

let domain: VirtualDomain;
let orders: FaultOrders;
let preload: NodeJS.ProcessEnv;

beforeEach(async () => {
  domain = await makeVirtualDomain('vdeliver-fault-');
  const top = dirname(domain.home);
  orders = new FaultOrders(join(top, 'orders'), domain.home);
  preload = orders.environment(compileShim(top));
  domain.write(
    join(domain.qmail, 'bin/qmail-queue'),
    `#!/bin/sh\ncat >>'${inHome('queued')}'\ncat <&1 >>'${inHome('queued')}'\n`,
    0o755,
  );
  const options = ['-P', '-Q', '10000', '-c', '20', '-f', 'x@y.test'];
  expect((await domain.tool('vadduser', [...options, 'me'])).code).toBe(0);
  domain.write(inHome('.vmailmgr/quota-warnings'), '4\n50\n');
});
afterEach(() => {
  orders.close();
  domain.remove();
});

const inHome = (path: string) => join(domain.home, path);
const inBox = (path: string) => inHome(`users/me/${path}`);
const remove = (path: string) => rmSync(path, { force: true });

/** The code, or the signal, by which vdeliver ended, with or without the library under it. */
async function deliver(message: string, env: NodeJS.ProcessEnv): Promise<number | 'killed'> {
  domain.write(join(dirname(domain.home), 'message'), message);
  const fd = openSync(join(dirname(domain.home), 'message'), 'r');
  try {
    const child = spawn(join(DIST, 'vdeliver'), [], {
      uid: domain.uid,
      gid: domain.gid,
      env: { ...domain.env, ...deliveryVariables('me'), ...env },
      stdio: [fd, 'pipe', 'pipe'],
    });
    return (await collect(child)).code ?? 'killed';
  } finally {
    closeSync(fd);
  }
}

const messageOf = (id: number) =>
  `To: me@${DOMAIN}\nMessage-ID: <${id}@x>\n\n${'text\n'.repeat(20)}`;

/** How many whole copies there are. A part of one is none. */
function copiesOf(id: number): number {
  const whole = `Return-Path: <ann@elsewhere.test>\nDelivered-To: owner-me@${DOMAIN}\n${messageOf(id)}`;
  const mail = readdirSync(inBox('new')).map((name) =>
    readFileSync(inBox(`new/${name}`), 'latin1'),
  );
  for (const text of mail)
    if (text !== whole) expect(text).toContain('Auto-Submitted: auto-generated\n');
  return mail.filter((text) => text === whole).length;
}

/** How often it was handed to the queue for its forward. */
function forwardsOf(id: number): number {
  return readFileSync(inHome('queued'), 'latin1').split(`\nMessage-ID: <${id}@x>\n`).length - 1;
}

/** Any state that an earlier delivery, or none, could have left. */
function furnish(random: () => number): void {
  for (const name of readdirSync(inBox('new'))) unlinkSync(inBox(`new/${name}`));
  if (random() < 0.5) remove(inBox('maildirsize'));
  if (random() < 0.5) remove(inBox('vdeliver-quota'));
  if (random() < 0.5) remove(inBox('autoresponse/message.txt.sent'));
}

test(`${FAULTS} faults in a delivery with quota, warning, forward and autoresponse lose nothing`, {
  timeout: Math.max(300_000, FAULTS * 4000),
}, async () => {
  console.log(`vdeliver fault test: SEED=${SEED}`);
  const random = generator(SEED);
  domain.write(inHome('users/me/autoresponse/message.txt'), '\nBack on Monday.\n');
  const { uid, gid } = domain;
  chownSync(inBox('autoresponse'), uid, gid);
  const from = orders.now;
  expect(await deliver(messageOf(0), preload)).toBe(0);
  expect(copiesOf(0)).toBe(1);
  const calls = orders.since(from).filter((step) => step.role === 'vdeliver');
  const written = new Set(calls.map((step) => step.path.split('/').at(-1)));
  for (const name of ['maildirsize', 'vdeliver-quota', 'message.txt.sent.lock'])
    expect(written).toContain(name);
  const kinds = [...countCalls(calls)];
  const fired = new Map<string, number>();
  for (let id = 1; id <= FAULTS; id++) {
    furnish(random);
    // In turn, so that few faults are among all of them.
    const kind = kinds[id % kinds.length] as (typeof kinds)[number];
    const order = orderAmong('vdeliver', new Map([kind]), PASSING_ERRORS, random);
    orders.arm(0, order);
    const first = await deliver(messageOf(id), preload);
    if (orders.lift(0)) fired.set(order.call, (fired.get(order.call) ?? 0) + 1);
    const what = `SEED=${SEED}, run ${id}, ${JSON.stringify(order)}`;
    expect([0, 111, 'killed'], what).toContain(first);
    const copies = copiesOf(id);
    expect(copies, what).toBeLessThanOrEqual(1);
    if (first === 0) expect(copies, what).toBe(1);
    // Also when a link was made that was reported as failed.
    if (first === 111) expect(copies, what).toBe(0);
    if (first !== 0) {
      expect(await deliver(messageOf(id), {}), what).toBe(0);
      expect(copiesOf(id), what).toBe(copies + 1);
    }
    expect(forwardsOf(id), what).toBeGreaterThan(0);
    // Once for each try, unless it was killed in between.
    expect(forwardsOf(id), what).toBeLessThanOrEqual(first === 0 ? 1 : 2);
  }
  console.log(`vdeliver fault test: ${[...fired].map(([call, n]) => `${call} ${n}`).join(', ')}`);
  expect(fired.size).toBeGreaterThan(3);
});

test('over the disk quota of the system it bounces, and leaves nothing', async () => {
  // A user without limits: the message is the first that is written.
  expect((await domain.tool('vadduser', ['-P', 'other'])).code).toBe(0);
  orders.arm(0, {
    role: 'vdeliver',
    call: 'write',
    action: 'fail',
    error: constants.errno.EDQUOT,
    nth: 1,
  });
  const code = await deliver(messageOf(1), { ...preload, ...deliveryVariables('other') });
  expect([orders.lift(0), code]).toEqual([true, 100]);
  for (const folder of ['new', 'tmp'])
    expect(readdirSync(inHome(`users/other/${folder}`))).toEqual([]);
});
