// How long it takes until a session on one client sees what was done on the other, by NOOP and in IDLE.

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../lib/imap/model-session.ts';
import { Actor } from './actor.ts';
import type { World } from './crowd.ts';

/** Above acdirmax and a poll of IDLE. */
const LONGEST_MS = 140_000;

export async function latency({ machines, ledger, random }: World): Promise<void> {
  const [a, b] = machines.map(
    (machine) => new Actor(machine.name, ledger, random, (heard) => machine.open(heard)),
  ) as [Actor, Actor];
  await a.connect();
  for (const id of ['first', 'second', 'third']) await append(a, id);
  await b.connect();
  await b.learn(true);
  await b.run('NOOP');
  const flagged = (uid: number) => () =>
    b.replica.messages.some((message) => message.uid === uid && message.flags?.has('\\Flagged'));
  const gone = (uid: number) => () => b.replica.indexOfUid(uid) < 0;
  const [first, second, third] = await uidsOf(b);
  const bySteps = async (how: 'NOOP' | 'IDLE', wait: (seen: () => boolean) => Promise<number>) => {
    const tell = async (what: string, act: () => Promise<unknown>, seen: () => boolean) => {
      await act();
      console.log(`latency: ${what} is seen by ${how} after ${await wait(seen)} ms`);
    };
    const count = b.replica.messages.length;
    await tell(
      'APPEND',
      () => append(a, `appended for ${how}`.replaceAll(' ', '-')),
      () => b.replica.messages.length > count,
    );
    const uid = (how === 'NOOP' ? first : second) as number;
    await tell('STORE', () => a.run(`UID STORE ${uid} +FLAGS (\\Flagged)`), flagged(uid));
    await tell(
      'EXPUNGE',
      async () => {
        await a.run(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`);
        await a.run(`UID EXPUNGE ${uid}`);
      },
      gone(uid),
    );
  };
  const until = async (seen: () => boolean, again: () => Promise<unknown>) => {
    const begun = performance.now();
    while (!seen()) {
      if (performance.now() - begun > LONGEST_MS) {
        ledger.problem('latency: never seen');
        break;
      }
      await again();
    }
    return Math.round(performance.now() - begun);
  };
  await bySteps('NOOP', (seen) =>
    until(seen, async () => {
      await b.run('NOOP');
      await b.learn();
      if (!seen()) await sleep(500);
    }),
  );
  const tag = b.client.begin('IDLE');
  await b.client.continuation();
  await bySteps('IDLE', (seen) => until(seen, () => sleep(50)));
  b.client.send('DONE\r\n');
  await b.client.finish(tag);
  await a.run(`UID STORE ${third} +FLAGS (\\Deleted)`);
  await a.run('EXPUNGE');
  a.end();
  b.end();
}

async function uidsOf(actor: Actor): Promise<(number | undefined)[]> {
  return actor.replica.messages.slice(0, 3).map(({ uid }) => uid);
}

async function append(actor: Actor, id: string): Promise<void> {
  await actor.run('APPEND', actor.client.literal('APPEND INBOX', messageOf(id)));
}
