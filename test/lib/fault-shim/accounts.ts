// What was sent, what arrived, and whether the two agree.

import type { Step } from './fault-orders.ts';
import type { Copy, Recipient } from './mail-tree.ts';

export interface Message {
  readonly id: string;
  /** From the Message-ID line on, lines ended by LF. */
  readonly text: string;
  readonly recipients: readonly Recipient[];
  /** The journal's number when the sender was told that it is safe; undefined if it was not. */
  acceptedAt?: number;
}

/** Programs in which a fault can make a delivery be made again. */
const DELIVERING =
  /^(qmail-(send|clean|lspawn|rspawn|start)$|qmail-(local|remote)|vdeliver|qmail-queue)/;
const LOCAL = /^(qmail-local|vdeliver)/;

export class Accounts {
  readonly #messages = new Map<string, Message>();
  readonly #copies = new Map<string, number>();

  sent(message: Message): void {
    this.#messages.set(message.id, message);
  }

  /** The recipients that still lack a message which was accepted. */
  get missing(): string[] {
    return [...this.#messages.values()]
      .filter(({ acceptedAt }) => acceptedAt !== undefined)
      .flatMap(({ id, recipients }) => recipients.map((recipient) => `${id} ${recipient}`))
      .filter((key) => !this.#copies.has(key));
  }

  /** Books what arrived; gives a sentence for each copy that should not be as it is. */
  arrived(copies: readonly Copy[], steps: readonly Step[]): string[] {
    return copies.map((copy) => this.#flawOf(copy, steps)).filter((flaw) => flaw !== undefined);
  }

  /** Copies beyond the first of each. */
  get duplicates(): number {
    return [...this.#copies.values()].reduce((sum, n) => sum + n - 1, 0);
  }

  #flawOf({ id, recipient, text }: Copy, steps: readonly Step[]): string | undefined {
    const message = this.#messages.get(id);
    const cut = () =>
      isCutShort(recipient, steps) ? undefined : `a part of ${id} in ${recipient}`;
    if (message === undefined) return id === '' ? cut() : `${id} was never sent: ${recipient}`;
    if (!message.recipients.includes(recipient)) return `${id} came to ${recipient}: not for it`;
    if (!text.startsWith(message.text) || text.slice(message.text.length).trim() !== '')
      return cut();
    const key = `${id} ${recipient}`;
    const copies = (this.#copies.get(key) ?? 0) + 1;
    this.#copies.set(key, copies);
    if (copies === 1 || isExplained(id, recipient, steps)) return undefined;
    return `${id} came ${copies} times to ${recipient}, and nothing had failed`;
  }
}

/** Something failed or died on the way to the mailbox before the last copy was written. */
function isExplained(id: string, recipient: Recipient, steps: readonly Step[]): boolean {
  const line = `Message-ID: <${id}>`;
  const written = steps.findLast(
    (s) => LOCAL.test(s.role) && s.call === 'write' && s.data.includes(line),
  );
  const until =
    recipient === 'far@far.example' || written === undefined ? Infinity : written.number;
  return steps.some((s) => s.injected && s.number < until && DELIVERING.test(s.role));
}

/** An mbox file can keep a part of a message where qmail-local died or could not cut it back: mbox(5). */
function isCutShort(recipient: Recipient, steps: readonly Step[]): boolean {
  return recipient === 'box@localhost' && steps.some((s) => s.injected && LOCAL.test(s.role));
}
