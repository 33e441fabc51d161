// All that a session watches for its client (RFC 5465).

import { isFault } from '@q/fault';
import { type ListedFolder, NameFault } from '@q/mail-account';
import { replyOfFault } from '../../fault-reply.ts';
import { CommandRefused } from '../../refused.ts';
import type { Notifier, Session } from '../../session.ts';
import { WATCHED_MAX } from '../limits.ts';
import { tellList } from '../list-line.ts';
import { AccountWatch } from './account-watch.ts';
import { AnnotationWatch } from './annotation-watch.ts';
import { type Interests, messageEvents, type NotifyEvent } from './interests.ts';
import { MailboxWatch } from './mailbox-watch.ts';
import { SelectedWatch } from './selected-watch.ts';

export class MailboxNotifier implements Notifier {
  readonly #session: Session;
  readonly #interests: Interests;
  readonly #selected: SelectedWatch | undefined;
  readonly #mailboxes = new Map<string, MailboxWatch>();
  /** By name; '' is the server. */
  readonly #annotations = new Map<string, AnnotationWatch>();
  /** Told to be without the right to read. */
  readonly #closedTo = new Set<string>();
  #account: AccountWatch | undefined;
  #closed = false;

  /**
   * Watches what is asked for; with `status` tells how those mailboxes stand. Throws CommandRefused NOTIFICATIONOVERFLOW when it is
   * too much, or a fault.
   */
  static async open(
    session: Session,
    interests: Interests,
    status: boolean,
  ): Promise<MailboxNotifier> {
    const notifier = new MailboxNotifier(session, interests);
    try {
      await notifier.#open();
    } catch (error) {
      notifier.close();
      if (!(error instanceof Overflow) && !isWatchLimit(error)) throw error;
      throw new CommandRefused('NO', 'Too much to watch', 'NOTIFICATIONOVERFLOW');
    }
    if (status) notifier.#tellAll();
    return notifier;
  }

  private constructor(session: Session, interests: Interests) {
    this.#session = session;
    this.#interests = interests;
    this.#selected =
      interests.selected === undefined ? undefined : new SelectedWatch(session, interests.selected);
  }

  commandDone(): void {
    if (!this.#closed) this.#selected?.follow(this.#session.view);
  }

  close(): void {
    this.#closed = true;
    this.#selected?.close();
    this.#account?.close();
    for (const watch of [...this.#mailboxes.values(), ...this.#annotations.values()]) watch.close();
    this.#mailboxes.clear();
    this.#annotations.clear();
  }

  async #open(): Promise<void> {
    const { wants } = this.#interests;
    if (wants('ServerMetadataChange'))
      this.#annotations.set('', await AnnotationWatch.open(this.#session, undefined));
    const events: NotifyEvent[] = [
      'MessageNew',
      'MailboxName',
      'SubscriptionChange',
      'MailboxMetadataChange',
    ];
    if (!events.some(wants)) return;
    const changed = (folders: readonly ListedFolder[]) => this.#follow(folders);
    this.#account = await AccountWatch.open(this.#session, this.#interests, changed);
    await this.#watch(await this.#session.account.folders());
  }

  /** The selected mailbox is not told by STATUS, whatever group it is in. */
  #tellAll(): void {
    const selected = this.#session.view?.opened.folder;
    for (const watch of this.#mailboxes.values()) if (watch.folder !== selected) watch.tellAll();
  }

  /** There are other mailboxes now, or other subscriptions. */
  async #follow(folders: readonly ListedFolder[]): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#watch(folders);
    } catch (error) {
      if (!(error instanceof Overflow) && !isWatchLimit(error)) throw error;
      this.close();
      this.#session.notifier = undefined;
      this.#session.untagged('OK [NOTIFICATIONOVERFLOW] Too much to watch');
    }
  }

  async #watch(folders: readonly ListedFolder[]): Promise<void> {
    const wanted = new Map(
      folders
        .filter(({ exists }) => exists)
        .map((folder) => [folder.name, this.#interests.eventsOf(folder)] as const)
        .filter(([, events]) => messageEvents(events).size > 0 || hasAnnotations(events)),
    );
    if (wanted.size > WATCHED_MAX) throw new Overflow();
    this.#drop(wanted);
    for (const [name, events] of wanted) {
      if (messageEvents(events).size > 0) await this.#watchMessages(name, events);
      if (hasAnnotations(events) && !this.#annotations.has(name))
        await this.#watchAnnotations(name);
      await this.#session.drain();
    }
  }

  #drop(wanted: ReadonlyMap<string, ReadonlySet<NotifyEvent>>): void {
    for (const [name, watch] of this.#mailboxes) {
      const events = wanted.get(name);
      if (events !== undefined && messageEvents(events).size > 0 && !watch.isClosed) continue;
      watch.close();
      this.#mailboxes.delete(name);
    }
    for (const [name, watch] of this.#annotations) {
      if (name === '' || wanted.has(name)) continue;
      watch.close();
      this.#annotations.delete(name);
    }
  }

  async #watchMessages(name: string, events: ReadonlySet<NotifyEvent>): Promise<void> {
    const known = this.#mailboxes.get(name);
    if (known !== undefined) {
      known.events = messageEvents(events);
      return;
    }
    try {
      const place = await this.#session.account.find(name, 'r');
      const watch = await MailboxWatch.open(this.#session, place, messageEvents(events));
      this.#mailboxes.set(name, watch);
      this.#closedTo.delete(name);
    } catch (error) {
      const { code } = replyOfFault(error).reply;
      if (code === 'NOPERM') this.#tellClosed(name);
      else if (code !== 'NONEXISTENT') throw error;
    }
  }

  /** RFC 5465, section 3.1: it can be seen, and may not be read. */
  #tellClosed(name: string): void {
    if (this.#closedTo.has(name)) return;
    this.#closedTo.add(name);
    const { separator = '/' } = this.#session.account.namespaces.personal[0] ?? {};
    tellList(this.#session, { name, separator, attributes: ['\\NoAccess'] });
  }

  async #watchAnnotations(name: string): Promise<void> {
    try {
      const place = await this.#session.account.find(name, 'r');
      this.#annotations.set(name, await AnnotationWatch.open(this.#session, place));
    } catch (error) {
      if (!(error instanceof NameFault)) throw error;
    }
  }
}

class Overflow extends Error {
  override readonly name = 'Overflow';
}

function hasAnnotations(events: ReadonlySet<NotifyEvent>): boolean {
  return events.has('MailboxMetadataChange');
}

/** The kernel gives out no more watches. */
function isWatchLimit(error: unknown): boolean {
  const cause = isFault(error) ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EMFILE';
}
