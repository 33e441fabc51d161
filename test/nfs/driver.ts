// Two servers on one Maildir over NFS; run.sh starts it in a virtual machine, as
//
//   driver [SEED [SECONDS [KIND ...]]]
//
//   crowd    resident services on both clients, a one-shot imapd on each, deliveries on each by hand and by vdeliver, POP3 on
//            one: no UID is given twice or shows another's text, no message or keyword is lost, nothing hangs, ends or
//            is refused for a reason the client has nothing to do with; in the end both say the same
//   latency  how long it takes until one client's session sees what was done on the other

import { setTimeout as sleep } from 'node:timers/promises';
import { generator } from '../lib/fault-shim/fault-plan.ts';
import { crowd } from './crowd.ts';
import { deliverForEver } from './deliver.ts';
import { latency } from './latency.ts';
import { Ledger } from './ledger.ts';
import { ADDRESS, CLIENTS, Machine, PASSWORD } from './machine.ts';

const [seed = '1', seconds = '120', ...kinds] = process.argv.slice(2);
const wanted = (kind: string) => kinds.length === 0 || kinds.includes(kind);

async function main(): Promise<number> {
  const ledger = new Ledger();
  const machines = CLIENTS.map((name) => new Machine(name));
  for (const machine of machines) await machine.setUp();
  const user = ADDRESS.slice(0, ADDRESS.indexOf('@'));
  await machines[0]?.tool('vadduser', [user], `${PASSWORD}\n`);
  for (const machine of machines) await machine.serve({});
  const world = { machines, ledger, random: generator(Number(seed)) };
  try {
    if (wanted('latency')) await latency(world);
    if (wanted('crowd')) await crowd(world, Number(seconds) * 1000);
  } catch (error) {
    ledger.problem((error as Error).stack ?? String(error));
  }
  for (const machine of machines) {
    for (const end of machine.ended()) ledger.problem(`a service on ${machine.name} ended: ${end}`);
    console.log(`--- log of ${machine.name}\n${machine.log().slice(-6000)}`);
    machine.stop();
  }
  console.log('--- counted', Object.fromEntries(ledger.counts));
  console.log('--- refused', Object.fromEntries(ledger.refusals));
  console.log(`--- ${ledger.problems.length} problems`);
  for (const problem of ledger.problems) console.log(`  ${problem}`);
  await sleep(500);
  return ledger.problems.length === 0 ? 0 : 1;
}

if (seed === 'deliver') orDie(deliverForEver(seconds));
else orDie(main().then((code) => process.exit(code)));

function orDie(promise: Promise<unknown>): void {
  promise.catch((error: unknown) => {
    console.log(error);
    process.exit(2);
  });
}
