// kill -9 at any moment loses nothing: every recipient of every message is delivered to, or the sender is told.

import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPrograms, Instance, until } from './testing/instance.ts';
import { type Answer, RunningSend } from './testing/running-send.ts';

let bin: string;

beforeAll(async () => {
  bin = await buildPrograms(['qmail-send', 'qmail-clean']);
});
afterAll(() => rm(bin, { recursive: true, force: true }));

const MESSAGES = 150;

/** The same moments in every run: a small linear congruential generator. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

test('150 messages, killed and restarted at a dozen moments: nothing is lost', async () => {
  const instance = new Instance({ locals: 'mail.test\n' });
  const random = pseudoRandom(20_261_122);
  const delivered = new Map<string, number>();
  const answer: Answer = ({ recipient }) => {
    if (random() < 0.2) return 'Ztry again\n';
    if (recipient.startsWith('bad')) return 'Dno such box\n';
    delivered.set(recipient, (delivered.get(recipient) ?? 0) + 1);
    return 'Kok\n';
  };
  const good: string[] = [];
  const bad: string[] = [];
  const enqueue = (n: number) => {
    const recipients = [`a${n}@mail.test`];
    if (n % 3 > 0) recipients.push(`b${n}@far.test`);
    good.push(...recipients);
    // Alone, and with others: from todo, and preprocessed.
    if (n % 4 === 0) {
      bad.push(`bad-alone${n}@mail.test`);
      instance.enqueue(`sender${n}@far.test`, [`bad-alone${n}@mail.test`]);
    }
    if (n % 5 === 0) {
      bad.push(`bad${n}@mail.test`);
      recipients.push(`bad${n}@mail.test`);
    }
    instance.enqueue(`sender${n}@far.test`, recipients);
  };
  let queued = 0;
  try {
    for (let round = 0; round < 12; round++) {
      const send = new RunningSend(bin, instance, { local: answer, remote: answer });
      await send.logged('status:');
      const end = queued + Math.ceil(MESSAGES / 12);
      while (queued < end && queued < MESSAGES) enqueue(queued++);
      // Deferred ones need a push, or they would wait for 100 seconds.
      send.signal('SIGALRM');
      await sleep(random() * 120);
      await send.end('SIGKILL');
    }
    expect(queued).toBe(MESSAGES);
    const last = new RunningSend(bin, instance, { local: answer, remote: answer });
    await last.logged('status:');
    await until(
      () => {
        last.signal('SIGALRM'); // which it catches once it has said its status
        // A kill between the last two steps leaves a mess file for the collector, as documented.
        return instance.files().every((path) => path.startsWith('mess/'));
      },
      () => `${instance.files().join(' ')}\n${last.log.slice(-2000)}`,
    );
    expect(await last.end('SIGTERM')).toBe(0);
    expect(good.filter((address) => !delivered.has(address))).toEqual([]);
    // Some bounces were cut off with their sender: a real qmail-queue queues none without its last NUL.
    const told = instance
      .bounced()
      .filter(({ envelope }) => envelope.endsWith('\0\0'))
      .map(({ message }) => message);
    expect(bad.filter((address) => !told.some((text) => text.includes(`<${address}>:\n`)))).toEqual(
      [],
    );
  } finally {
    await instance.remove();
  }
});
