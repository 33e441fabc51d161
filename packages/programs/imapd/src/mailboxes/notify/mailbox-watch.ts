// A mailbox that is watched and not selected: its changes are told by STATUS (RFC 5465, sections 5.1 to 5.3).

import type { StatusItem } from '@q/imap';
import type { Place } from '@q/mail-account';
import type { Folder } from '@q/mailbox';
import { replyOfFault } from '../../fault-reply.ts';
import type { Opened, Session } from '../../session.ts';
import { countUnseen, statusLine } from '../status.ts';
import type { NotifyEvent } from './interests.ts';
import { LookSoon } from './look-soon.ts';

type Numbers = Readonly<
  Record<'MESSAGES' | 'UIDNEXT' | 'UIDVALIDITY' | 'UNSEEN' | 'HIGHESTMODSEQ', number>
>;

export class MailboxWatch {
  readonly place: Place;
  events: ReadonlySet<NotifyEvent>;
  readonly #session: Session;
  readonly #opened: Opened;
  readonly #looks: LookSoon;
  readonly #unwatch: () => void;
  #known: Numbers;

  /** Throws NameFault when it is not there, or a fault. */
  static async open(
    session: Session,
    place: Place,
    events: ReadonlySet<NotifyEvent>,
  ): Promise<MailboxWatch> {
    const opened = await session.open(place);
    try {
      const numbers = await look(session, opened);
      return new MailboxWatch(session, { place, opened, numbers, events });
    } catch (error) {
      opened.release();
      throw error;
    }
  }

  private constructor(
    session: Session,
    given: {
      readonly place: Place;
      readonly opened: Opened;
      readonly numbers: Numbers;
      readonly events: ReadonlySet<NotifyEvent>;
    },
  ) {
    this.#session = session;
    this.place = given.place;
    this.#opened = given.opened;
    this.#known = given.numbers;
    this.events = given.events;
    this.#looks = new LookSoon(session, () => this.#look());
    this.#unwatch = given.opened.folder.watch(() => this.#looks.hear());
  }

  /** What STATUS says of it at the beginning: RFC 5465, section 3.1. */
  tellAll(): void {
    const flags = this.events.has('FlagChange');
    this.#tell(['MESSAGES', 'UIDNEXT', 'UIDVALIDITY', ...(flags ? FLAG_ITEMS : [])]);
  }

  get folder(): Folder {
    return this.#opened.folder;
  }

  /** It was gone when it was looked at. */
  get isClosed(): boolean {
    return this.#looks.isClosed;
  }

  close(): void {
    if (this.#looks.isClosed) return;
    this.#looks.close();
    this.#unwatch();
    this.#opened.release();
  }

  async #look(): Promise<void> {
    const before = this.#known;
    try {
      this.#known = await look(this.#session, this.#opened);
    } catch (error) {
      // That it is gone is told by who watches names; trouble with the disk may pass.
      if (replyOfFault(error).reply.code === 'NONEXISTENT') this.close();
      return;
    }
    const isSelected = this.#session.view?.opened.folder === this.#opened.folder;
    const items = isSelected ? [] : this.#news(before, this.#known);
    if (items.length > 0) this.#tell(items);
  }

  #news(before: Numbers, now: Numbers): readonly (keyof Numbers)[] {
    const differs = (item: keyof Numbers) => before[item] !== now[item];
    const { enabled } = this.#session;
    const modseq: (keyof Numbers)[] =
      enabled.has('CONDSTORE') || enabled.has('QRESYNC') ? ['HIGHESTMODSEQ'] : [];
    const items = new Set<keyof Numbers>();
    if (differs('MESSAGES') || differs('UIDNEXT'))
      for (const item of ['MESSAGES', 'UIDNEXT', ...modseq] as const) items.add(item);
    if (this.events.has('FlagChange')) {
      if (differs('UIDVALIDITY')) items.add('UIDVALIDITY');
      if (differs('UNSEEN')) items.add('UNSEEN');
      if (differs('HIGHESTMODSEQ') && modseq.length > 0)
        for (const item of ['UIDVALIDITY', ...modseq] as const) items.add(item);
    }
    return [...items];
  }

  #tell(items: readonly (keyof Numbers)[]): void {
    const values = items.map((item): [StatusItem, number] => [item, this.#known[item]]);
    this.#session.untagged(statusLine(this.#session, this.place.name, values));
  }
}

const FLAG_ITEMS = ['UNSEEN', 'HIGHESTMODSEQ'] as const;

async function look(session: Session, { folder }: Opened): Promise<Numbers> {
  await folder.refresh({ takeNew: false });
  return {
    MESSAGES: folder.messages.length + folder.waiting,
    UIDNEXT: folder.uidNext + folder.waiting,
    UIDVALIDITY: folder.uidValidity,
    UNSEEN: await countUnseen(folder, session),
    HIGHESTMODSEQ: folder.highestModseq,
  };
}
