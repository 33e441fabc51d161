// Messages on their way in (APPEND, REPLACE): checked before their bytes are asked for, and spooled as they come into tmp/ of
// the folder they are for (RFC 9051, section 6.3.12; RFC 7888, section 4).

import { type BadCommand, parseAppendTarget, type ReaderEvent } from '@q/imap';
import { NameFault, type Place } from '@q/mail-account';
import type { Spool } from '@q/mailbox';
import { replyOfFault } from './fault-reply.ts';
import { SPOOLS_MAX } from './limits.ts';
import { LineEnds } from './line-ends.ts';
import { CommandRefused } from './refused.ts';
import type { Opened, Reply } from './session.ts';
import type { ImapSession } from './session-state.ts';

type Announced = Extract<ReaderEvent, { readonly kind: 'message' }>;

/** The messages of one command. */
export class IncomingMessages {
  readonly #session: ImapSession;
  readonly spools: Spool[] = [];
  #target: { readonly place: Place; readonly opened: Opened } | undefined;
  #announcedBytes = 0;
  #ends: LineEnds | undefined;
  /** Of the message that is coming. */
  left = 0;
  /** Why the command is refused, although it goes on coming. */
  #refusal: Reply | undefined;
  tag: string | undefined;

  constructor(session: ImapSession) {
    this.#session = session;
  }

  get refusal(): Reply | undefined {
    return this.#refusal;
  }

  /** True when the message may come. */
  async announced(message: Announced): Promise<boolean> {
    try {
      const target = parseAppendTarget(message.pieces, this.#session.utf8);
      this.tag = target.tag;
      if (isBad(target)) throw new CommandRefused('BAD', target.text);
      await this.#admit(message, target.mailbox);
      return true;
    } catch (error) {
      this.#refuse(error);
      return false;
    }
  }

  /** Takes bytes of the message; they may be used again once the promise is kept. */
  async data(bytes: Buffer, last: boolean): Promise<void> {
    this.left -= bytes.length;
    const spool = this.spools.at(-1);
    if (this.#refusal !== undefined || spool === undefined) return;
    try {
      const ends = this.#ends;
      if (ends === undefined) await spool.write(bytes);
      else {
        if (bytes.includes(0)) throw new CommandRefused('NO', 'NUL in message');
        const converted = ends.convert(bytes, last);
        if (converted.length > 0) await spool.write(converted);
      }
    } catch (error) {
      this.#refuse(error);
      await this.#discard();
    }
  }

  /** The command is over, one way or the other. */
  async end(): Promise<void> {
    await this.#discard();
    this.#target?.opened.release();
    this.#target = undefined;
  }

  async #admit(message: Announced, mailbox: string): Promise<void> {
    if (message.index >= SPOOLS_MAX) throw new CommandRefused('NO', 'Too many messages', 'LIMIT');
    if (message.size > this.#session.settings.appendLimit)
      throw new CommandRefused('NO', 'Message too large', 'TOOBIG');
    this.#announcedBytes += message.size;
    const place = this.#target?.place ?? (await this.#find(mailbox));
    await this.#session.account.claim(place, this.#announcedBytes, message.index + 1);
    this.#target ??= { place, opened: await this.#session.open(place) };
    this.spools.push(await this.#target.opened.folder.spool());
    this.#ends = message.binary ? undefined : new LineEnds();
    this.left = message.size;
  }

  async #find(mailbox: string): Promise<Place> {
    try {
      return await this.#session.account.find(mailbox, 'i');
    } catch (error) {
      if (!(error instanceof NameFault) || error.code !== 'NONEXISTENT') throw error;
      throw new CommandRefused('NO', error.message, 'TRYCREATE');
    }
  }

  #refuse(error: unknown): void {
    const { reply, trouble } = replyOfFault(error);
    this.#refusal ??= reply;
    if (trouble !== undefined) this.#session.log(`warning: ${trouble}`);
  }

  async #discard(): Promise<void> {
    for (const spool of this.spools) await spool.discard();
  }
}

function isBad(target: ReturnType<typeof parseAppendTarget>): target is BadCommand {
  return target.name === undefined;
}
