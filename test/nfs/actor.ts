// A client that does this and that in the Maildir, and writes into the ledger what it was told.

import { setTimeout as sleep } from 'node:timers/promises';
import { pick } from '../lib/fault-shim/fault-plan.ts';
import { messageOf, uidsOf } from '../lib/imap/model-session.ts';
import { Replica } from '../lib/imap/replica.ts';
import { type Answer, itemsOf, type Response, type WireClient } from '../lib/imap/wire.ts';
import type { Ledger } from './ledger.ts';
import type { Connection } from './machine.ts';

export const MAILBOXES: readonly string[] = ['INBOX', 'Other'];
/** Longer than any server waits for a lock, or a client for an attribute cache. */
const PATIENCE_MS = 150_000;

export class Actor {
  readonly who: string;
  readonly replica = new Replica();
  readonly #ledger: Ledger;
  readonly #random: () => number;
  readonly #connect: (heard: (response: Response) => void) => Promise<Connection>;
  #connection: Connection | undefined;
  #mailbox = 'INBOX';
  #number = 0;

  constructor(
    who: string,
    ledger: Ledger,
    random: () => number,
    connect: (heard: (response: Response) => void) => Promise<Connection>,
  ) {
    this.who = who;
    this.#ledger = ledger;
    this.#random = random;
    this.#connect = connect;
  }

  async connect(): Promise<void> {
    this.#connection = await this.#connect((response) => {
      try {
        this.replica.heard(response);
      } catch (error) {
        this.#ledger.problem(`${this.who}: ${(error as Error).message}`);
      }
    });
    await this.select('INBOX');
  }

  end(): void {
    this.#connection?.end();
  }

  get client(): WireClient {
    return (this.#connection as Connection).client;
  }

  /** One random step after the other, until `over`. */
  async act(over: () => boolean): Promise<void> {
    const steps: readonly (readonly [number, () => Promise<unknown>])[] = [
      [4, () => this.run('NOOP')],
      [4, () => this.learn()],
      [4, () => this.#append()],
      [5, () => this.#store()],
      [2, () => this.#copy('COPY')],
      [2, () => this.#copy('MOVE')],
      [2, () => this.#expunge()],
      [1, () => this.select(pick(MAILBOXES, this.#random))],
      [1, () => this.run('STATUS Other (MESSAGES UIDNEXT)')],
      [1, () => this.#idle()],
      [0.5, () => this.#folders()],
    ];
    while (!over()) {
      let at = this.#random() * steps.reduce((sum, [weight]) => sum + weight, 0);
      const step = steps.find(([weight]) => {
        at -= weight;
        return at < 0;
      });
      await step?.[1]();
      await sleep(this.#random() * 300);
    }
  }

  async run(command: string, by = this.client.run(command)): Promise<Answer> {
    this.#ledger.count(command.split(' ')[0] as string);
    const answer = await this.#inTime(command, by);
    if (answer.status !== 'OK')
      this.#ledger.refused(this.who, command, `${answer.status} ${answer.text}`);
    return answer;
  }

  async #inTime<Result>(what: string, promise: Promise<Result>): Promise<Result> {
    const late = new AbortController();
    try {
      return await Promise.race([
        promise,
        sleep(PATIENCE_MS, undefined, { signal: late.signal }).then(() => {
          throw new Error(`${this.who} hangs in ${what}`);
        }),
      ]);
    } finally {
      late.abort();
    }
  }

  async select(mailbox: string): Promise<void> {
    this.#mailbox = mailbox;
    this.replica.clear();
    if ((await this.run(`SELECT ${mailbox}`)).status !== 'OK') return;
    this.#ledger.validity(mailbox, this.replica.uidValidity ?? 0);
    await this.learn();
  }

  /** Asks for what is not known yet, and now and then for everything. */
  async learn(all = this.#random() < 0.2): Promise<void> {
    const { messages } = this.replica;
    const first = messages.findIndex(({ uid, flags }) => uid === undefined || flags === undefined);
    if (messages.length === 0 || (first < 0 && !all)) return;
    const set = `${all ? 1 : first + 1}:${messages.length}`;
    const items = 'UID FLAGS BODY.PEEK[HEADER.FIELDS (X-ID)]';
    const { untagged } = await this.run(`FETCH ${set} (${items})`);
    for (const { values } of untagged) {
      if (values[1] !== 'FETCH') continue;
      const found = itemsOf(values[2]);
      const header = found.get('BODY[HEADER.FIELDS (X-ID)]');
      if (header === undefined) continue;
      const id = /x-id: (\S+)/i.exec(String(header))?.[1];
      // RFC 2180: a message that is gone may be shown without contents.
      if (id !== undefined)
        this.#ledger.seen(this.who, this.#mailbox, Number(found.get('UID')), id);
    }
  }

  async #append(): Promise<void> {
    const mailbox = pick(MAILBOXES, this.#random);
    const id = `${this.who}.${++this.#number}`;
    const command = `APPEND ${mailbox} (\\Seen)`;
    const answer = await this.run(command, this.client.literal(command, messageOf(id)));
    const code = /\[APPENDUID (\d+) (\d+)\]/.exec(answer.text);
    if (answer.status !== 'OK' || code === null) return;
    this.#ledger.born(id);
    this.#ledger.given(this.who, mailbox, Number(code[2]), id);
  }

  #some(share: number): number[] {
    return this.replica.messages.flatMap(({ uid }) =>
      uid !== undefined && this.#random() < share ? [uid] : [],
    );
  }

  async #store(): Promise<void> {
    const uids = this.#some(0.15);
    if (uids.length === 0) return;
    const keyword = `k${this.who}`;
    const flags = this.#random() < 0.5 ? `${keyword} \\Flagged` : keyword;
    const { untagged } = await this.run(`UID STORE ${uids} +FLAGS (${flags})`);
    for (const { values } of untagged) {
      if (values[1] !== 'FETCH') continue;
      const found = itemsOf(values[2]);
      const told = found.get('FLAGS');
      if (Array.isArray(told) && told.includes(keyword))
        this.#ledger.keyword(this.#mailbox, Number(found.get('UID')), keyword);
    }
  }

  async #copy(verb: 'COPY' | 'MOVE'): Promise<void> {
    const uids = this.#some(verb === 'MOVE' ? 0.1 : 0.03);
    const from = this.#mailbox;
    const to = MAILBOXES.find((mailbox) => mailbox !== from) as string;
    if (uids.length === 0) return;
    const answer = await this.run(`UID ${verb} ${uids} ${to}`);
    for (const text of [answer.text, ...answer.untagged.map((response) => response.text)]) {
      const code = /\[COPYUID (\d+) ([\d,:]+) ([\d,:]+)\]/.exec(text);
      if (code === null) continue;
      const sources = uidsOf(code[2] as string);
      for (const [index, uid] of uidsOf(code[3] as string).entries())
        this.#ledger.given(this.who, to, uid, this.#ledger.idOf(from, sources[index] as number));
    }
  }

  async #expunge(): Promise<void> {
    const uids = this.#some(0.1);
    if (uids.length === 0) return;
    for (const uid of uids) this.#ledger.doom(this.#ledger.idOf(this.#mailbox, uid));
    await this.run(`UID STORE ${uids} +FLAGS.SILENT (\\Deleted)`);
    await this.run(`UID EXPUNGE ${uids}`);
  }

  async #idle(): Promise<void> {
    const tag = this.client.begin('IDLE');
    await this.#inTime('IDLE', this.client.continuation());
    await sleep(3000);
    this.client.send('DONE\r\n');
    await this.run('DONE', this.client.finish(tag));
  }

  async #folders(): Promise<void> {
    const name = `f${this.who}${++this.#number}`;
    await this.run(`CREATE ${name}`);
    const uid = this.#some(0.05)[0];
    if (uid !== undefined) await this.run(`UID COPY ${uid} ${name}`);
    await this.run(`RENAME ${name} ${name}x`);
    await this.run(`STATUS ${name}x (MESSAGES)`);
    await this.run(`DELETE ${name}x`);
  }
}
