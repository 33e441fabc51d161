// GETMETADATA and SETMETADATA (RFC 5464): annotations of a mailbox, or of the server when the name is empty.

import { type GetMetadataArguments, wireAstring, wireNstring } from '@q/imap';
import { METADATA_VALUE_MAX, NameFault, type Place } from '@q/mail-account';
import { CommandRefused } from '../refused.ts';
import { ok } from '../reply.ts';
import type { CommandRow, Reply, Session } from '../session.ts';
import { ownChange } from './notify/own-change.ts';

type Entries = ReadonlyMap<string, string | undefined>;

export const getMetadataRow: CommandRow<GetMetadataArguments> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, given) {
    const place = await annotated(session, given.mailbox, 'read');
    const asked = chooseEntries(await session.account.metadata(place), given);
    const { maxSize } = given;
    const isShown = (value = '') => maxSize === undefined || value.length <= maxSize;
    tellEntries(session, place, new Map([...asked].filter(([, value]) => isShown(value))));
    const hidden = [...asked.values()].filter((value) => !isShown(value));
    if (hidden.length === 0) return ok('GETMETADATA completed');
    const longest = Math.max(...hidden.map((value = '') => value.length));
    return ok('GETMETADATA completed', `METADATA LONGENTRIES ${longest}`);
  },
};

/** Entries asked for, and those below them as deep as wished. One that is asked for and not there is undefined: NIL. */
function chooseEntries(
  all: ReadonlyMap<string, string>,
  { entries, depth }: Pick<GetMetadataArguments, 'entries' | 'depth'>,
): Entries {
  const chosen = new Map<string, string | undefined>();
  for (const entry of entries) {
    if (depth === 0 || all.has(entry)) chosen.set(entry, all.get(entry));
    if (depth === 0) continue;
    for (const [name, value] of all) {
      const below = name.startsWith(`${entry}/`) ? name.slice(entry.length + 1) : undefined;
      if (below !== undefined && (depth === 'infinity' || !below.includes('/')))
        chosen.set(name, value);
    }
  }
  return chosen;
}

/** entry-values = "(" entry-value *(SP entry-value) ")" */
function tellEntries(session: Session, place: Place | undefined, entries: Entries): void {
  if (entries.size === 0) return;
  const texts = [...entries].map(([name, value]) => `${entryText(name)} ${valueText(value)}`);
  session.untagged(`METADATA ${metadataName(session, place)} (${texts.join(' ')})`);
}

export function metadataName(session: Session, place: Place | undefined): string {
  return place === undefined ? '""' : session.mailboxText(place.name);
}

export function entryText(name: string): string {
  return wireAstring(name, { utf8: false });
}

/** value = nstring / literal8 */
function valueText(value: string | undefined): string {
  if (value?.includes('\0')) return `~{${value.length}}\r\n${value}`;
  return wireNstring(value, { utf8: false });
}

interface SetMetadata {
  readonly mailbox: string;
  readonly values: Entries;
}

export const setMetadataRow: CommandRow<SetMetadata> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { mailbox, values }) {
    const isShared = [...values.keys()].some((name) => name.startsWith('/shared/'));
    const place = await annotated(session, mailbox, isShared ? 'share' : 'keep');
    // Nobody else would see it: what is the server's is kept for each account.
    if (place === undefined && isShared) throw new NameFault('NOPERM', 'No permission');
    for (const value of values.values())
      if ((value ?? '').length > METADATA_VALUE_MAX)
        throw new CommandRefused('NO', 'Value too long', `METADATA MAXSIZE ${METADATA_VALUE_MAX}`);
    return await setEntries(session, place, values);
  },
};

async function setEntries(
  session: Session,
  place: Place | undefined,
  values: Entries,
): Promise<Reply> {
  try {
    await session.account.setMetadata(place, values);
  } catch (error) {
    if (error instanceof NameFault && error.code === 'LIMIT')
      throw new CommandRefused('NO', 'Too many annotations', 'METADATA TOOMANY');
    throw error;
  }
  ownChange(session, 'annotations', place?.name ?? '');
  return ok('SETMETADATA completed');
}

/** Undefined: the server. RFC 5464, section 3.3 asks for l and one of these rights; for what others see we want w. */
async function annotated(
  session: Session,
  mailbox: string,
  what: 'read' | 'keep' | 'share',
): Promise<Place | undefined> {
  if (mailbox === '') return undefined;
  const place = await session.account.find(mailbox, '');
  const rights = await session.account.rights(place);
  if (!(what === 'share' ? /w/ : /[rswip]/).test(rights))
    throw new NameFault('NOPERM', 'No permission');
  return place;
}
