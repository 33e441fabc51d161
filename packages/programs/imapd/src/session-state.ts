// The session object that commands get: what is known of one client after login, and its way out.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { encodeModifiedUtf7, textOf } from '@q/bytes';
import { type NumberRange, wireAstring } from '@q/imap';
import type { MailAccount, Place } from '@q/mail-account';
import type { Spool } from '@q/mailbox';
import type { Conn } from '@q/session';
import { GATHER_MS, QUEUED_MAX, TURN_MS } from './limits.ts';
import type { Enabled, Notifier, Opened, Session, Settings } from './session.ts';
import type { View } from './view.ts';

/** What a session works on. */
export interface Holdings {
  readonly account: MailAccount;
  open(place: Place): Promise<Opened>;
  forget(dir: string, mailboxId: string | undefined): void;
  moved(from: string, to: string): void;
}

export interface SessionPlaces {
  readonly user: string;
  readonly settings: Settings;
  readonly holdings: Holdings;
  /** Writes a line; `line` may have anything in it. */
  log(line: string): void;
}

export class ImapSession implements Session {
  readonly user: string;
  readonly settings: Settings;
  readonly enabled = new Set<Enabled>();
  readonly counts = { headers: 0, body: 0 };
  view: View | undefined;
  savedResult: readonly NumberRange[] = [];
  spools: readonly Spool[] = [];
  notifier: Notifier | undefined;
  /** Bytes of answers. */
  sent = 0;
  readonly #conn: Conn;
  readonly #holdings: Holdings;
  readonly #log: (line: string) => void;
  #wishes: (() => void | Promise<void>)[] = [];
  /** Told when there is something to be told unasked. */
  onWish: () => void = () => {};
  #turnBegan = performance.now();
  #flushed = this.#turnBegan;

  constructor(conn: Conn, places: SessionPlaces) {
    this.#conn = conn;
    this.user = places.user;
    this.settings = places.settings;
    this.#holdings = places.holdings;
    this.#log = places.log;
  }

  get account(): MailAccount {
    return this.#holdings.account;
  }

  get utf8(): boolean {
    return this.enabled.has('UTF8=ACCEPT') || this.enabled.has('IMAP4REV2');
  }

  open(place: Place): Promise<Opened> {
    return this.#holdings.open(place);
  }

  forget(dir: string, mailboxId: string | undefined): void {
    this.#holdings.forget(dir, mailboxId);
  }

  moved(from: string, to: string): void {
    this.#holdings.moved(from, to);
  }

  untagged(line: string): void {
    this.write(`* ${line}\r\n`);
  }

  write(data: Buffer | string): void {
    this.sent += data.length;
    this.#conn.write(data);
  }

  async drain(): Promise<void> {
    const now = performance.now();
    if (
      this.#conn.queued >= QUEUED_MAX ||
      (this.#conn.queued > 0 && now - this.#flushed >= GATHER_MS)
    ) {
      await this.#conn.flush();
      this.#flushed = now;
    }
    if (now - this.#turnBegan < TURN_MS) return;
    await nextTurn();
    this.#turnBegan = performance.now();
  }

  /** The session goes on: what took time before was waiting. */
  beginTurn(): void {
    this.#turnBegan = performance.now();
    this.#flushed = this.#turnBegan;
  }

  log(line: string): void {
    this.#log(line);
  }

  mailboxText(name: string): string {
    const { utf8 } = this;
    return wireAstring(
      utf8 ? textOf(Buffer.from(name, 'utf8')) : (encodeModifiedUtf7(name) ?? '?'),
      { utf8 },
    );
  }

  soon(tell: () => void | Promise<void>): void {
    this.#wishes.push(tell);
    this.onWish();
  }

  /** Tells what was asked for by soon(). */
  async tellWishes(): Promise<void> {
    while (this.#wishes.length > 0) {
      const wishes = this.#wishes;
      this.#wishes = [];
      for (const tell of wishes) await tell();
    }
  }

  /** The session is over. */
  close(): void {
    this.notifier?.close();
    this.notifier = undefined;
    this.view?.close();
    this.view = undefined;
  }
}
