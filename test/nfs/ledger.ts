// What has been seen in a run, and what may never be: the rules hold however late a client of an NFS server hears of
// what another one did.

import type { Value } from '../lib/imap/wire.ts';

export class Ledger {
  /** What was found wrong. */
  readonly problems: string[] = [];
  /** Answers NO and BAD, and how often. */
  readonly refusals = new Map<string, number>();
  readonly counts = new Map<string, number>();
  /** Messages that are to be somewhere: delivered, or appended with OK. */
  readonly #born = new Set<string>();
  readonly #doomed = new Set<string>();
  /** By "mailbox uidvalidity uid". */
  readonly #ids = new Map<string, string>();
  readonly #given = new Set<string>();
  readonly #keywords = new Map<string, Set<string>>();
  readonly #validities = new Map<string, number>();

  problem(text: string): void {
    if (this.problems.length < 200) this.problems.push(text);
    console.log(`PROBLEM: ${text}`);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  refused(who: string, command: string, answer: string): void {
    const words = `${command}: ${answer}`.replaceAll(/\d+/g, '0').slice(0, 150);
    const before = this.refusals.get(words) ?? 0;
    this.refusals.set(words, before + 1);
    // A message or a folder that another session has taken away is an ordinary thing.
    const isOrdinary =
      /^NO \[(NONEXISTENT|EXPUNGEISSUED|TRYCREATE|ALREADYEXISTS|CLIENTBUG)/.test(answer) ||
      /^NO .*no more/.test(answer);
    // An emulated machine may be so slow that the wait for a mailbox's lock, 30 s, runs out: the log tells.
    const isSlow = answer.startsWith('NO [UNAVAILABLE]');
    if (!isOrdinary && !isSlow && before === 0) this.problem(`${who}: ${command}: ${answer}`);
  }

  born(id: string): void {
    this.#born.add(id);
  }

  /** To be called before anybody is told to remove it. */
  doom(id: string | undefined): void {
    if (id !== undefined) this.#doomed.add(id);
  }

  validity(mailbox: string, value: number): void {
    const before = this.#validities.get(mailbox);
    this.#validities.set(mailbox, value);
    if (before !== undefined && before !== value)
      this.problem(`UIDVALIDITY of ${mailbox} was ${before} and is ${value}`);
  }

  /** A session was told that a message it made has this UID. */
  given(who: string, mailbox: string, uid: number, id: string | undefined): void {
    const key = `${mailbox} ${uid}`;
    if (this.#given.has(key)) this.problem(`${who}: UID ${key} was given twice`);
    this.#given.add(key);
    this.seen(who, mailbox, uid, id);
  }

  /** A session was shown a message. */
  seen(who: string, mailbox: string, uid: number, id: string | undefined): void {
    if (id === undefined) return;
    const key = `${mailbox} ${uid}`;
    const before = this.#ids.get(key);
    if (before === undefined) this.#ids.set(key, id);
    else if (before !== id) this.problem(`${who}: UID ${key} was ${before} and is ${id}`);
  }

  idOf(mailbox: string, uid: number): string | undefined {
    return this.#ids.get(`${mailbox} ${uid}`);
  }

  /** A session was told that the message has a keyword, which nobody takes away. */
  keyword(mailbox: string, uid: number, keyword: string): void {
    const key = `${mailbox} ${uid}`;
    const had = this.#keywords.get(key);
    if (had === undefined) this.#keywords.set(key, new Set([keyword]));
    else had.add(keyword);
  }

  /** In the end, when all is quiet: what is in the mailbox. */
  left(mailbox: string, uid: number, flags: readonly Value[]): void {
    for (const keyword of this.#keywords.get(`${mailbox} ${uid}`) ?? [])
      if (!flags.includes(keyword))
        this.problem(
          `keyword ${keyword} of ${this.idOf(mailbox, uid)}, UID ${mailbox} ${uid}, is lost`,
        );
  }

  /** Messages that nobody removed. */
  mustBeThere(): string[] {
    return [...this.#born].filter((id) => !this.#doomed.has(id));
  }

  isDoomed(id: string): boolean {
    return this.#doomed.has(id);
  }
}
