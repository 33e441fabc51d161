// One client of a run of random commands, over as many connections as it takes. Each method is a step: a command, and
// what the model must say to its answer. Steps come one after the other, so the model knows the truth at every one.

import { pick } from '../fault-shim/fault-plan.ts';
import { type MailboxModel, sameFlags, type Truth } from './model.ts';
import type { Known, Replica } from './replica.ts';
import { type Answer, itemsOf, type WireClient } from './wire.ts';

/** Messages of a mailbox from which on only few are taken at once. */
const MANY = 2000;

/** How a session talks. */
export type Manner = 'plain' | 'condstore' | 'qresync';

export interface Connection {
  readonly client: WireClient;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

export class ModelSession {
  readonly manner: Manner;
  readonly random: () => number;
  readonly mailboxes: readonly MailboxModel[];
  /** What the client knows. */
  readonly replica: Replica;
  /** The selected mailbox. */
  mailbox: MailboxModel | undefined;
  readOnly = false;
  readonly #connect: () => Promise<Connection>;
  #connection: Connection | undefined;

  constructor(
    manner: Manner,
    random: () => number,
    mailboxes: readonly MailboxModel[],
    replica: Replica,
    connect: () => Promise<Connection>,
  ) {
    this.manner = manner;
    this.random = random;
    this.mailboxes = mailboxes;
    this.replica = replica;
    this.#connect = connect;
  }

  /** Connects if it is not, and selects if nothing is selected. */
  async ready(): Promise<void> {
    if (this.#connection === undefined || this.#connection.client.lost) {
      this.#connection = await this.#connect();
      if (this.manner === 'qresync') await this.must('ENABLE QRESYNC');
      if (this.manner === 'condstore') await this.must('ENABLE CONDSTORE');
      if (this.mailbox !== undefined) await this.#resume(this.mailbox);
    }
    if (this.mailbox === undefined) await this.select();
  }

  async select(): Promise<void> {
    this.mailbox = pick(this.mailboxes, this.random);
    this.readOnly = this.random() < 0.15;
    this.replica.clear();
    const verb = this.readOnly ? 'EXAMINE' : 'SELECT';
    const answer = await this.must(`${verb} ${this.mailbox.name}`);
    this.#selected(answer);
    await this.learn();
  }

  /** After a connection was lost: with QRESYNC the client goes on with what it knew. */
  async #resume(mailbox: MailboxModel): Promise<void> {
    const { uidValidity, highestModseq, messages } = this.replica;
    // A crash may have come between EXISTS and the client's question for the UID.
    const uids = messages.flatMap(({ uid }) => uid ?? []);
    if (this.manner !== 'qresync' || uidValidity === undefined || uids.length === 0) {
      this.mailbox = undefined;
      return;
    }
    const known = asSet(uids);
    // The numbers of what is left are told by EXISTS, after VANISHED (EARLIER): nothing may be known by number before.
    const before = new Map(messages.map((message) => [message.uid, message]));
    this.replica.messages = [];
    const answer = await this.must(
      `SELECT ${mailbox.name} (QRESYNC (${uidValidity} ${highestModseq} ${known}))`,
    );
    this.readOnly = false;
    this.#selected(answer);
    const vanished = new Set(
      answer.untagged.flatMap(({ values }) =>
        values[0] === 'VANISHED' && Array.isArray(values[1]) ? uidsOf(String(values[2])) : [],
      ),
    );
    const changed = this.replica.messages.map(({ uid }) => uid);
    await this.learn();
    // What was neither changed nor vanished is as it was.
    for (const message of this.replica.messages) {
      const old = before.get(message.uid);
      if (old === undefined || changed.includes(message.uid)) continue;
      if (vanished.has(message.uid as number))
        throw new Error(`UID ${message.uid} vanished and is there`);
      if (
        old.flags !== undefined &&
        !sameFlags(message.flags as Set<string>, withoutRecent(old.flags))
      )
        throw new Error(`QRESYNC did not tell of the flags of UID ${message.uid}`);
    }
    const now = new Set(this.replica.messages.map(({ uid }) => uid));
    for (const uid of uids)
      if (!now.has(uid) && !vanished.has(uid))
        throw new Error(`QRESYNC did not tell that UID ${uid} vanished`);
  }

  #selected({ text }: Answer): void {
    this.mailbox?.learnValidity(this.replica.uidValidity);
    const next = this.replica.uidNext;
    if (next === undefined || next <= (this.mailbox?.largestUid ?? 0))
      throw new Error(`UIDNEXT is ${next}, ${this.mailbox?.largestUid} was given`);
    if (text.includes('[READ-ONLY]') !== this.readOnly) throw new Error(`selected: ${text}`);
  }

  /** Asks for UIDs and flags of what the client only knows by number. */
  async learn(): Promise<void> {
    const { messages } = this.replica;
    const first = messages.findIndex(({ uid, flags }) => uid === undefined || flags === undefined);
    if (first < 0) return;
    const items = `UID FLAGS BODY.PEEK[HEADER.FIELDS (X-ID)]${this.manner === 'plain' ? '' : ' MODSEQ'}`;
    const { untagged } = await this.must(`FETCH ${first + 1}:${messages.length} (${items})`);
    for (const { values } of untagged) {
      if (values[1] !== 'FETCH') continue;
      const found = itemsOf(values[2]);
      const id = /x-id: (\S+)/i.exec(String(found.get('BODY[HEADER.FIELDS (X-ID)]') ?? ''))?.[1];
      const uid = Number(found.get('UID'));
      if (id === undefined || this.mailbox?.byUid(uid) !== undefined) continue;
      const truth = this.mailbox?.unseen(id);
      if (truth !== undefined) this.mailbox?.learn(truth, uid);
    }
  }

  async noop(): Promise<void> {
    await this.must(this.random() < 0.8 ? 'NOOP' : 'CHECK');
    await this.learn();
  }

  /** NOOP, and then this client knows the truth: messages and flags, told without being asked for. */
  async agree(): Promise<void> {
    await this.noop();
    const mailbox = this.mailbox as MailboxModel;
    const known = new Map(this.replica.messages.map((message) => [message.uid, message]));
    for (const truth of mailbox.alive) {
      if (truth.uid === undefined) {
        if (!this.readOnly) throw new Error(`${truth.id} was delivered and nobody saw it`);
        continue;
      }
      const message = known.get(truth.uid);
      // A read-only session leaves new mail where it is.
      if (message === undefined && this.readOnly) continue;
      if (message === undefined)
        throw new Error(`UID ${truth.uid} (${truth.id}) is not in the view`);
      known.delete(truth.uid);
      this.#agreeOn(message, truth);
    }
    if (known.size > 0) throw new Error(`in the view and not there: UIDs ${[...known.keys()]}`);
  }

  #agreeOn({ uid, flags }: Known, truth: Truth): void {
    if (flags === undefined || !sameFlags(flags, truth.flags))
      throw new Error(`UID ${uid}: told (${[...(flags ?? [])]}), truth (${[...truth.flags]})`);
  }

  async kill(): Promise<void> {
    await this.#connection?.kill();
    this.#connection = undefined;
  }

  /** The server has ended: whatever was, a new connection is made for the next step. */
  forgetConnection(): void {
    this.#connection = undefined;
  }

  /** Some messages of the client's, as a set. */
  some(byUidOnly = false) {
    const byUid = byUidOnly || this.random() < 0.5;
    const all = this.replica.messages
      .map((message, index) => ({ message, number: index + 1 }))
      .filter(({ message }) => !byUid || message.uid !== undefined);
    // Of many, few: mailboxes that are copied into one another double, and a command has a limit.
    const share = pick(all.length > MANY ? [0.01, 0.02, 0.05] : [0.05, 0.3, 1], this.random);
    const messages = all.filter(() => this.random() < share);
    if (messages.length === 0) return undefined;
    const numbers = messages.map(({ message, number }) => (byUid ? Number(message.uid) : number));
    return { messages, byUid, set: asSet(numbers) };
  }

  get client(): WireClient {
    return (this.#connection as Connection).client;
  }

  run(command: string): Promise<Answer> {
    return this.client.run(command);
  }

  async must(command: string): Promise<Answer> {
    const answer = await this.run(command);
    if (answer.status !== 'OK') throw new Error(`${command}: ${answer.status} ${answer.text}`);
    return answer;
  }
}

export function messageOf(id: string): string {
  return `From: model@test\r\nSubject: model\r\nX-ID: ${id}\r\n\r\nbody of ${id}\r\n`;
}

/** Ascending numbers as a set: "3:5,9". */
function asSet(numbers: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of numbers) {
    const range = ranges.at(-1);
    if (range?.[1] === number - 1) range[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? first : `${first}:${last}`)).join(',');
}

/** "3:5,9" as numbers. */
export function uidsOf(set: string): number[] {
  if (set === '') return [];
  return set.split(',').flatMap((range) => {
    const [first, last = first] = range.split(':').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function withoutRecent(flags: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...flags].filter((flag) => flag !== '\\Recent'));
}
