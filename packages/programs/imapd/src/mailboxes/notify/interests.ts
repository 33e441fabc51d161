// What a client wants to be told of, and which mailboxes that means (RFC 5465, sections 5 and 6).

import type { FetchItem, NotifyGroup } from '@q/imap';
import { type ListedFolder, type MailAccount, NameFault } from '@q/mail-account';
import { CommandRefused } from '../../refused.ts';

const MESSAGE_EVENTS = ['MessageNew', 'MessageExpunge', 'FlagChange'] as const;
const MAILBOX_EVENTS = [
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
] as const;

export type NotifyEvent = (typeof MESSAGE_EVENTS)[number] | (typeof MAILBOX_EVENTS)[number];

export interface SelectedInterest {
  /** Expunged messages are told when a command allows it. */
  readonly delayed: boolean;
  readonly items: readonly FetchItem[];
}

export interface Interests {
  /** Undefined: nothing is to be told of the selected mailbox between commands. */
  readonly selected: SelectedInterest | undefined;
  /** Some mailbox or other is to be watched by `event`. */
  wants(event: NotifyEvent): boolean;
  /** The events of a mailbox, the selected one or not. */
  eventsOf(folder: ListedFolder): ReadonlySet<NotifyEvent>;
}

/** Throws CommandRefused: NO [BADEVENT …] for events there are not, BAD for those that do not go together. */
export function interestsOf(account: MailAccount, groups: readonly NotifyGroup[]): Interests {
  const checked = groups.map((group) => ({ ...group, events: group.events.map(knownEvent) }));
  for (const group of checked) checkTogether(group);
  const selected = checked.filter(({ mailboxes }) => isSelected(mailboxes.kind));
  if (selected.length > 1) throw new CommandRefused('BAD', 'The selected mailbox is named twice');
  const others = checked
    .filter(({ mailboxes }) => !isSelected(mailboxes.kind))
    .map(({ mailboxes, events }) => ({ matches: matcherOf(account, mailboxes), events }));
  const [one] = selected;
  return {
    selected:
      one === undefined || one.events.length === 0
        ? undefined
        : { delayed: one.mailboxes.kind === 'selected-delayed', items: one.items },
    wants: (event) => others.some(({ events }) => events.includes(event)),
    eventsOf: (folder) =>
      new Set(others.flatMap(({ matches, events }) => (matches(folder) ? events : []))),
  };
}

/** The events that are told by watching a mailbox's messages. */
export function messageEvents(events: ReadonlySet<NotifyEvent>): ReadonlySet<NotifyEvent> {
  return new Set(MESSAGE_EVENTS.filter((event) => events.has(event)));
}

type Mailboxes = NotifyGroup['mailboxes'];
type Checked = Omit<NotifyGroup, 'events'> & { readonly events: readonly NotifyEvent[] };

function knownEvent(name: string): NotifyEvent {
  const all = [...MESSAGE_EVENTS, ...MAILBOX_EVENTS];
  const event = all.find((one) => one === name);
  if (event === undefined)
    throw new CommandRefused('NO', 'Event not supported', `BADEVENT (${all.join(' ')})`);
  return event;
}

function checkTogether({ mailboxes, events }: Checked): void {
  const has = (event: NotifyEvent) => events.includes(event);
  if (has('MessageNew') !== has('MessageExpunge') || (has('FlagChange') && !has('MessageNew')))
    throw new CommandRefused(
      'BAD',
      'MessageNew and MessageExpunge go together, and with FlagChange',
    );
  if (isSelected(mailboxes.kind) && events.some((event) => !isMessageEvent(event)))
    throw new CommandRefused('BAD', 'Only messages are watched in the selected mailbox');
}

function isMessageEvent(event: NotifyEvent): boolean {
  return MESSAGE_EVENTS.some((one) => one === event);
}

function isSelected(kind: Mailboxes['kind']): boolean {
  return kind === 'selected' || kind === 'selected-delayed';
}

type FolderTest = (folder: ListedFolder) => boolean;

function matcherOf(account: MailAccount, mailboxes: Mailboxes): FolderTest {
  switch (mailboxes.kind) {
    case 'subscribed':
      return ({ subscribed }) => subscribed;
    case 'mailboxes': {
      const names = new Set(mailboxes.names.map((name) => usualName(account, name)));
      return ({ name }) => names.has(name);
    }
    case 'subtree': {
      const names = mailboxes.names.map((name) => usualName(account, name));
      return ({ name, separator }) =>
        names.some((top) => name === top || name.startsWith(top + separator));
    }
    default: {
      // Where the user's filters deliver to is not known here, so all are inboxes: RFC 5465, section 6.3.
      const { others, shared } = account.namespaces;
      const foreign = [...others, ...shared].map(({ prefix }) => prefix);
      return ({ name, separator }) =>
        !foreign.some((prefix) => `${name}${separator}`.startsWith(prefix));
    }
  }
}

/** The name that LIST has; one that no mailbox can have matches none. */
function usualName(account: MailAccount, name: string): string {
  try {
    return account.locate(name).name;
  } catch (error) {
    if (error instanceof NameFault) return name;
    throw error;
  }
}
