// The simple truth about two mailboxes: which messages are in them, and with which flags. Messages are known by an id
// that stands in their headers; their UIDs are learned once and never change.

export interface Truth {
  /** What its header says; copies have that of their original. */
  readonly id: string;
  /** Undefined until somebody was told: a delivery that no session has seen. */
  uid: number | undefined;
  /** System flags and keywords as the model's commands name them. */
  readonly flags: Set<string>;
}

export class MailboxModel {
  readonly name: string;
  readonly messages = new Set<Truth>();
  uidValidity: number | undefined;
  /** The largest UID anybody was told of, alive or gone. */
  largestUid = 0;

  constructor(name: string) {
    this.name = name;
  }

  add(id: string, flags: Iterable<string>, uid?: number): Truth {
    const truth = { id, uid: undefined, flags: new Set(flags) };
    this.messages.add(truth);
    if (uid !== undefined) this.learn(truth, uid, true);
    return truth;
  }

  /** `made`: the UID was given just now, so it is larger than all others. */
  learn(truth: Truth, uid: number, made = false): void {
    if (truth.uid === uid) return;
    if (truth.uid !== undefined) throw new Error(`${truth.id} had UID ${truth.uid}, now ${uid}`);
    const other = this.byUid(uid);
    if (other !== undefined) throw new Error(`UID ${uid} is ${other.id}'s and ${truth.id}'s`);
    if (made && uid <= this.largestUid)
      throw new Error(`UID ${uid} was given after ${this.largestUid}`);
    truth.uid = uid;
    this.largestUid = Math.max(this.largestUid, uid);
  }

  byUid(uid: number): Truth | undefined {
    for (const truth of this.messages) if (truth.uid === uid) return truth;
    return undefined;
  }

  /** A delivery of this id whose UID nobody knows yet. */
  unseen(id: string): Truth | undefined {
    for (const truth of this.messages) if (truth.id === id && truth.uid === undefined) return truth;
    return undefined;
  }

  /** Gone for good: its UID may never come again. */
  remove(truth: Truth): void {
    this.messages.delete(truth);
  }

  get alive(): readonly Truth[] {
    return [...this.messages];
  }

  learnValidity(value: number | undefined): void {
    this.uidValidity ??= value;
    if (value !== undefined && value !== this.uidValidity)
      throw new Error(`UIDVALIDITY of ${this.name} changed from ${this.uidValidity} to ${value}`);
  }
}

export const FLAGS = [
  '\\Seen',
  '\\Flagged',
  '\\Deleted',
  '\\Answered',
  '\\Draft',
  'red',
  'green',
  '$Forwarded',
];

/** STORE's effect. */
export function applyFlags(truth: Truth, change: '+' | '-' | '', flags: readonly string[]): void {
  if (change === '') truth.flags.clear();
  for (const flag of flags) {
    if (change === '-') truth.flags.delete(flag);
    else truth.flags.add(flag);
  }
}

/** Equal but for \Recent, which is not a flag of the message. */
export function sameFlags(told: ReadonlySet<string>, truth: ReadonlySet<string>): boolean {
  const without = [...told].filter((flag) => flag !== '\\Recent');
  return without.length === truth.size && without.every((flag) => truth.has(flag));
}
