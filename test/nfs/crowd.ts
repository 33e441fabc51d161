// Everybody at once, and then the reckoning.

import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../lib/imap/model-session.ts';
import { itemsOf, type Value } from '../lib/imap/wire.ts';
import { Actor, MAILBOXES } from './actor.ts';
import type { Ledger } from './ledger.ts';
import { ADDRESS, EXPORTED, type Machine } from './machine.ts';
import { removeByPop3 } from './pop3.ts';

export interface World {
  readonly machines: readonly Machine[];
  readonly ledger: Ledger;
  readonly random: () => number;
}

/** Above the attribute cache's longest time, acdirmax, and a poll. */
const SETTLED_MS = 130_000;

export async function crowd(world: World, milliseconds: number): Promise<void> {
  const { machines, ledger, random } = world;
  const actors = machines.flatMap((machine) => [
    new Actor(`${machine.name}1`, ledger, random, (heard) => machine.open(heard)),
    new Actor(`${machine.name}2`, ledger, random, (heard) => machine.open(heard)),
    new Actor(`${machine.name}p`, ledger, random, (heard) => machine.pipe(heard)),
  ]);
  await actors[0]?.connect();
  await actors[0]?.run('CREATE Other');
  await Promise.all(actors.slice(1).map((actor) => actor.connect()));
  const end = performance.now() + milliseconds;
  const over = () => performance.now() >= end;
  const others = machines.flatMap((machine) => [
    deliverByHand(machine, ledger, over),
    deliverByProgram(machine, ledger, over),
  ]);
  const [first] = machines;
  if (first !== undefined) others.push(removeByPop3(first, ledger, over));
  await Promise.all([...others, ...actors.map((actor) => actor.act(over))]);
  console.log('crowd: all are quiet now');
  const contents = await settle(actors);
  judge(world, contents);
  for (const actor of actors) actor.end();
}

async function deliverByHand(machine: Machine, ledger: Ledger, over: () => boolean): Promise<void> {
  const child = machine.itself('deliver', `hand-${machine.name}`);
  const lines = createInterface(child.stdout);
  lines.on('line', (id) => {
    ledger.born(id);
    ledger.count('deliveries');
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  while (!over()) await sleep(200);
  child.stdin.end();
  await ended;
}

async function deliverByProgram(
  machine: Machine,
  ledger: Ledger,
  over: () => boolean,
): Promise<void> {
  const user = ADDRESS.slice(0, ADDRESS.indexOf('@'));
  for (let number = 1; !over(); number++) {
    const id = `vdeliver-${machine.name}.${number}`;
    // qmail-command(8).
    const env = {
      EXT: user,
      HOST: 'virtual.test',
      SENDER: 'x@y.test',
      UFLINE: 'From x@y.test Thu Jan 01 00:00:00 1970\n',
      RPLINE: 'Return-Path: <x@y.test>\n',
      DTLINE: `Delivered-To: joe-${ADDRESS}\n`,
    };
    try {
      await machine.tool('vdeliver', [], messageOf(id).replaceAll('\r\n', '\n'), env);
      ledger.born(id);
      ledger.count('vdeliver');
    } catch (error) {
      ledger.problem((error as Error).message);
    }
  }
}

type Contents = ReadonlyMap<string, ReadonlyMap<number, { id: string; flags: readonly Value[] }>>;

/** Asks all again and again until they tell the same: what that is. */
async function settle(actors: readonly Actor[]): Promise<Contents> {
  const begun = performance.now();
  for (let round = 1; ; round++) {
    const told: string[] = [];
    let contents: Contents = new Map();
    for (const actor of actors) {
      contents = await contentsOf(actor);
      told.push(JSON.stringify([...contents].map(([name, messages]) => [name, [...messages]])));
    }
    const taken = performance.now() - begun;
    if (new Set(told).size === 1) {
      console.log(`crowd: all tell the same after ${Math.round(taken / 1000)} s, round ${round}`);
      return contents;
    }
    if (taken > SETTLED_MS && round > 2) {
      for (const [index, text] of told.entries())
        console.log(`${actors[index]?.who}: ${text.slice(0, 4000)}`);
      throw new Error('the sessions never came to tell the same');
    }
    await sleep(2000);
  }
}

async function contentsOf(actor: Actor): Promise<Contents> {
  const all = new Map<string, Map<number, { id: string; flags: readonly Value[] }>>();
  for (const mailbox of MAILBOXES) {
    const messages = new Map<number, { id: string; flags: readonly Value[] }>();
    all.set(mailbox, messages);
    await actor.select(mailbox);
    await actor.run('NOOP');
    const { untagged } = await actor.run('UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (X-ID)])');
    for (const { values } of untagged) {
      if (values[1] !== 'FETCH') continue;
      const found = itemsOf(values[2]);
      const header = String(found.get('BODY[HEADER.FIELDS (X-ID)]'));
      const id = /x-id: (\S+)/i.exec(header)?.[1] ?? 'none';
      const flags = (found.get('FLAGS') as Value[]).filter((flag) => flag !== '\\Recent').sort();
      messages.set(Number(found.get('UID')), { id, flags });
    }
  }
  return all;
}

function judge({ ledger }: World, contents: Contents): void {
  const there = new Set<string>();
  for (const [mailbox, messages] of contents) {
    console.log(`crowd: ${messages.size} messages in ${mailbox}`);
    for (const [uid, { id, flags }] of messages) {
      ledger.seen('the end', mailbox, uid, id);
      ledger.left(mailbox, uid, flags);
      there.add(id);
    }
    judgeFiles(ledger, mailbox, messages);
  }
  for (const id of ledger.mustBeThere())
    if (!there.has(id)) ledger.problem(`message ${id} is lost`);
}

/** What the server itself has on its disk. */
function judgeFiles(
  ledger: Ledger,
  mailbox: string,
  messages: ReadonlyMap<number, { id: string }>,
): void {
  const dir = mailbox === 'INBOX' ? EXPORTED : `${EXPORTED}/.${mailbox}`;
  const [header = '', ...lines] = readFileSync(`${dir}/courierimapuiddb`, 'latin1')
    .trimEnd()
    .split('\n');
  const next = Number(header.split(' ')[2]);
  const uids = new Map(
    lines.map((line) => {
      const [uid, base = ''] = line.split(' ');
      return [base, Number(uid)];
    }),
  );
  if (uids.size !== lines.length || new Set(uids.values()).size !== lines.length)
    ledger.problem(`${mailbox}: courierimapuiddb has a name or a UID twice`);
  if (Math.max(0, ...uids.values()) >= next)
    ledger.problem(`${mailbox}: courierimapuiddb has a UID above its next one`);
  const files = readdirSync(`${dir}/cur`);
  for (const file of files) {
    const uid = uids.get(file.slice(0, file.indexOf(':2,')));
    const id = /^X-ID: (\S+)$/m.exec(readFileSync(`${dir}/cur/${file}`, 'latin1'))?.[1];
    if (uid === undefined || messages.get(uid)?.id !== id)
      ledger.problem(`${mailbox}: ${file} (${id}) has UID ${uid} in courierimapuiddb`);
  }
  if (files.length !== messages.size)
    ledger.problem(`${mailbox}: ${files.length} files, ${messages.size} messages are told of`);
}
