// Arguments of ID, ENABLE, ACL, QUOTA, METADATA and NOTIFY.

import { asciiEqual, asciiLower } from '@q/bytes';
import { bad } from './command-error.ts';
import { mailboxArgument } from './common-arguments.ts';
import type { CommandCursor } from './cursor.ts';
import { type FetchItem, fetchItems } from './fetch-item.ts';
import { ID_FIELDS_MAX, ID_NAME_MAX, ID_VALUE_MAX } from './limits.ts';

/** id = "ID" SP ("NIL" / "(" [string SP nstring *(SP string SP nstring)] ")") (RFC 2971). Names in lower case. */
export function idArguments(cursor: CommandCursor): ReadonlyMap<string, string | undefined> {
  cursor.space();
  const fields = new Map<string, string | undefined>();
  if (cursor.tryWord('NIL')) return fields;
  cursor.list(() => {
    const name = asciiLower(cursor.string());
    cursor.space();
    const value = cursor.nstring();
    if (name.length > ID_NAME_MAX || (value ?? '').length > ID_VALUE_MAX) bad('ID field too long');
    fields.set(name, value);
    if (fields.size > ID_FIELDS_MAX) bad('Too many ID fields');
  });
  return fields;
}

/** enable = "ENABLE" 1*(SP capability); in upper case. Unknown ones are ignored (RFC 5161), so all are given. */
export function enableArguments(cursor: CommandCursor): readonly string[] {
  const names: string[] = [];
  do {
    cursor.space();
    names.push(cursor.atom().toUpperCase());
  } while (!cursor.atEnd());
  return names;
}

/** setacl = "SETACL" SP mailbox SP identifier SP ["+" / "-"] rights (RFC 4314) */
export function setAclArguments(cursor: CommandCursor): {
  readonly mailbox: string;
  readonly identifier: string;
  readonly change: 'replace' | 'add' | 'remove';
  readonly rights: string;
} {
  const { mailbox, identifier } = aclArguments(cursor);
  cursor.space();
  const text = cursor.astring();
  const change = text.startsWith('+') ? 'add' : text.startsWith('-') ? 'remove' : 'replace';
  const rights = change === 'replace' ? text : text.slice(1);
  if (!/^[a-z0-9]*$/.test(rights)) bad('Invalid rights');
  return { mailbox, identifier, change, rights };
}

/** SP mailbox SP identifier, of DELETEACL and LISTRIGHTS. Control characters are in no identifier: it is kept in files. */
export function aclArguments(cursor: CommandCursor): {
  readonly mailbox: string;
  readonly identifier: string;
} {
  cursor.space();
  const mailbox = mailboxArgument(cursor);
  cursor.space();
  const identifier = cursor.astring();
  if (!/^[^\x00-\x1f\x7f]{1,255}$/.test(identifier)) bad('Invalid identifier');
  return { mailbox, identifier };
}

/** setquota = "SETQUOTA" SP quota-root SP "(" [resource SP number64 *(SP …)] ")" (RFC 9208) */
export function setQuotaArguments(cursor: CommandCursor): {
  readonly root: string;
  readonly limits: ReadonlyMap<string, number>;
} {
  cursor.space();
  const root = cursor.astring();
  cursor.space();
  const limits = new Map<string, number>();
  cursor.list(() => {
    const resource = cursor.atom().toUpperCase();
    cursor.space();
    limits.set(resource, cursor.number64());
  });
  return { root, limits };
}

export interface GetMetadataArguments {
  /** Empty: of the server. */
  readonly mailbox: string;
  /** Values above so many bytes are left out. */
  readonly maxSize: number | undefined;
  readonly depth: 0 | 1 | 'infinity';
  /** In lower case. */
  readonly entries: readonly string[];
}

/**
 *     getmetadata = "GETMETADATA" [SP options] SP mailbox SP (entry / "(" entry *(SP entry) ")")
 *
 * RFC 5464's grammar has the options before the mailbox, its examples have them after it; both are read.
 */
export function getMetadataArguments(cursor: CommandCursor): GetMetadataArguments {
  cursor.space();
  let options = cursor.sees('(') ? metadataOptions(cursor) : undefined;
  if (options !== undefined) cursor.space();
  const mailbox = mailboxArgument(cursor);
  cursor.space();
  if (
    options === undefined &&
    (cursor.sees('(M') || cursor.sees('(D') || cursor.sees('(m') || cursor.sees('(d'))
  ) {
    options = metadataOptions(cursor);
    cursor.space();
  }
  const one = () => entryName(cursor, ENTRY_OR_ROOT);
  const entries = cursor.sees('(') ? cursor.list(one, 1) : [one()];
  return { mailbox, maxSize: options?.maxSize, depth: options?.depth ?? 0, entries };
}

function metadataOptions(cursor: CommandCursor): Pick<GetMetadataArguments, 'maxSize' | 'depth'> {
  let maxSize: number | undefined;
  let depth: GetMetadataArguments['depth'] = 0;
  cursor.list(() => {
    const option = cursor.word(['MAXSIZE', 'DEPTH'], 'Unknown option');
    cursor.space();
    if (option === 'MAXSIZE') maxSize = cursor.number();
    else if (cursor.tryWord('infinity')) depth = 'infinity';
    else depth = cursor.number(1) === 0 ? 0 : 1;
  }, 1);
  return { maxSize, depth };
}

/** setmetadata = "SETMETADATA" SP mailbox SP "(" entry SP (nstring / literal8) *(SP …) ")"; undefined removes. */
export function setMetadataArguments(cursor: CommandCursor): {
  readonly mailbox: string;
  readonly values: ReadonlyMap<string, string | undefined>;
} {
  cursor.space();
  const mailbox = mailboxArgument(cursor);
  cursor.space();
  const values = new Map<string, string | undefined>();
  cursor.list(() => {
    const entry = entryName(cursor, ENTRY);
    cursor.space();
    values.set(entry, cursor.nstring8());
  }, 1);
  return { mailbox, values };
}

/** An entry begins with "/private/" or "/shared/" and has no empty level, wildcard or 8-bit (RFC 5464, section 3.2). */
function entryName(cursor: CommandCursor, form: RegExp): string {
  const entry = asciiLower(cursor.astring());
  return form.test(entry) && entry.length <= ENTRY_MAX ? entry : bad('Invalid entry name');
}

const ENTRY = /^\/(?:private|shared)(?:\/[\x20-\x24\x26-\x29\x2b-\x2e\x30-\x7e]+)+$/;
/** With a depth, all below "/private" or "/shared" can be asked for. */
const ENTRY_OR_ROOT = new RegExp(ENTRY.source.replace('+$', '*$'));

const ENTRY_MAX = 1000;

const EVENTS = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'AnnotationChange',
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
] as const;

export interface NotifyGroup {
  readonly mailboxes:
    | { readonly kind: 'selected' | 'selected-delayed' | 'inboxes' | 'personal' | 'subscribed' }
    | { readonly kind: 'subtree' | 'mailboxes'; readonly names: readonly string[] };
  /** In the RFC's case, and what is no event of the RFC as it came: the server has to say NO to it. Empty: nothing. */
  readonly events: readonly string[];
  /** What is fetched of a new message in the selected mailbox. */
  readonly items: readonly FetchItem[];
}

/** notify = "NOTIFY" SP ("NONE" / "SET" [SP "STATUS"] 1*(SP event-group)) (RFC 5465); no groups: NONE. */
export function notifyArguments(cursor: CommandCursor): {
  readonly status: boolean;
  readonly groups: readonly NotifyGroup[];
} {
  cursor.space();
  if (cursor.word(['SET', 'NONE'], 'Unknown argument') === 'NONE')
    return { status: false, groups: [] };
  cursor.space();
  const status = cursor.tryWord('STATUS');
  if (status) cursor.space();
  const groups: NotifyGroup[] = [];
  do groups.push(notifyGroup(cursor));
  while (cursor.tryText(' '));
  return { status, groups };
}

/** event-group = "(" filter-mailboxes SP ("(" event *(SP event) ")" / "NONE") ")" */
function notifyGroup(cursor: CommandCursor): NotifyGroup {
  cursor.text('(', 'Missing event group');
  const mailboxes = notifyMailboxes(cursor);
  cursor.space();
  let items: readonly FetchItem[] = [];
  const events = cursor.tryWord('NONE')
    ? []
    : cursor.list(() => {
        const word = cursor.atom();
        const event = EVENTS.find((one) => asciiEqual(one, word)) ?? word;
        if (event === 'MessageNew' && cursor.tryText(' (')) {
          const list: FetchItem[] = [];
          do list.push(...fetchItems(cursor));
          while (cursor.tryText(' '));
          cursor.text(')');
          items = list;
        }
        return event;
      }, 1);
  cursor.text(')');
  // RFC 5465, section 5: these two go together.
  if (events.includes('MessageNew') !== events.includes('MessageExpunge'))
    bad('MessageNew and MessageExpunge go together');
  return { mailboxes, events, items };
}

function notifyMailboxes(cursor: CommandCursor): NotifyGroup['mailboxes'] {
  const kind = cursor.word(
    ['selected', 'selected-delayed', 'inboxes', 'personal', 'subscribed', 'subtree', 'mailboxes'],
    'Unknown mailbox filter',
  );
  if (kind !== 'subtree' && kind !== 'mailboxes') return { kind };
  cursor.space();
  const name = () => mailboxArgument(cursor);
  return { kind, names: cursor.sees('(') ? cursor.list(name, 1) : [name()] };
}
