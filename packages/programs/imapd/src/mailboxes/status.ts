// STATUS (RFC 9051, section 6.3.11), with the items of RFC 7162, 7889, 8438, 8474 and 9208. It looks at the mailbox as EXAMINE
// does: what waits in new/ is counted and stays there.

import type { StatusItem } from '@q/imap';
import type { Place } from '@q/mail-account';
import { FLAG, type Folder, type FolderMessage } from '@q/mailbox';
import { enableCondstore } from '../condstore.ts';
import { ok } from '../reply.ts';
import type { CommandRow, Opened, Session } from '../session.ts';
import { COUNT_BATCH } from './limits.ts';
import { waitingSize } from './waiting-size.ts';

interface StatusArguments {
  readonly mailbox: string;
  readonly items: readonly StatusItem[];
}

export const statusRow: CommandRow<StatusArguments> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { mailbox, items }) {
    await tellStatus(session, await session.account.find(mailbox, 'r'), items);
    return ok('STATUS completed');
  },
};

/** Looks at the mailbox and tells. Throws NameFault NONEXISTENT when it is gone. */
export async function tellStatus(
  session: Session,
  place: Place,
  items: readonly StatusItem[],
): Promise<void> {
  // Whoever asks for this knows what a mod-sequence is: RFC 7162, section 3.1.
  if (items.includes('HIGHESTMODSEQ')) enableCondstore(session);
  const opened = await session.open(place);
  try {
    await opened.folder.refresh({ takeNew: false });
    const values = await statusValues(session, opened, items);
    session.untagged(statusLine(session, place.name, values));
  } finally {
    opened.release();
  }
}

/** mailbox-data = "STATUS" SP mailbox SP "(" [status-att-list] ")" */
export function statusLine(
  session: Session,
  name: string,
  values: readonly (readonly [StatusItem, number | string])[],
): string {
  const list = values.map(([item, value]) => `${item} ${value}`).join(' ');
  return `STATUS ${session.mailboxText(name)} (${list})`;
}

async function statusValues(
  session: Session,
  opened: Opened,
  items: readonly StatusItem[],
): Promise<(readonly [StatusItem, number | string])[]> {
  const values: (readonly [StatusItem, number | string])[] = [];
  for (const item of items) values.push([item, await VALUES[item](opened, session)]);
  return values;
}

type Value = (opened: Opened, session: Session) => number | string | Promise<number | string>;

const VALUES: Readonly<Record<StatusItem, Value>> = {
  MESSAGES: ({ folder }) => folder.messages.length + folder.waiting,
  RECENT: ({ folder }) => folder.recentCount,
  UIDNEXT: ({ folder }) => folder.uidNext + folder.waiting,
  UIDVALIDITY: ({ folder }) => folder.uidValidity,
  UNSEEN: ({ folder }, session) => countUnseen(folder, session),
  DELETED: async ({ folder }, session) => (await deletedOf(folder, session)).length,
  SIZE: async (opened, session) => {
    const { messages, dir } = opened.folder;
    const taken = await sizeOf(opened, messages, session, 'crlfSize');
    return taken + (await waitingSize(dir, () => session.drain()));
  },
  HIGHESTMODSEQ: ({ folder }) => folder.highestModseq,
  APPENDLIMIT: (_opened, session) => session.settings.appendLimit,
  MAILBOXID: ({ folder }) => `(${folder.mailboxId})`,
  // As the quota's STORAGE: units of 1024 bytes (RFC 9208).
  'DELETED-STORAGE': async (opened, session) => {
    const deleted = await deletedOf(opened.folder, session);
    return Math.ceil((await sizeOf(opened, deleted, session, 'size')) / 1024);
  },
};

/** All that wait are unseen: what is in new/ has no flags. */
export async function countUnseen(folder: Folder, session: Session): Promise<number> {
  const unseen = await chosen(folder.messages, session, ({ flags }) => (flags & FLAG.seen) === 0);
  return unseen.length + folder.waiting;
}

function deletedOf(folder: Folder, session: Session): Promise<readonly FolderMessage[]> {
  return chosen(folder.messages, session, ({ flags }) => (flags & FLAG.deleted) !== 0);
}

async function chosen(
  messages: readonly FolderMessage[],
  session: Session,
  is: (message: FolderMessage) => boolean,
): Promise<readonly FolderMessage[]> {
  const found: FolderMessage[] = [];
  for (let start = 0; start < messages.length; start += COUNT_BATCH) {
    for (const message of messages.slice(start, start + COUNT_BATCH))
      if (is(message)) found.push(message);
    await session.drain();
  }
  return found;
}

/** The sum of those that are there. */
async function sizeOf(
  { cache }: Opened,
  messages: readonly FolderMessage[],
  session: Session,
  which: 'size' | 'crlfSize',
): Promise<number> {
  let sum = 0;
  for (const [index, message] of messages.entries()) {
    let facts = cache.facts(message);
    if (facts === undefined) {
      facts = await cache.loadFacts(message);
      await session.drain();
    } else if (index % COUNT_BATCH === 0) await session.drain();
    sum += facts?.[which] ?? 0;
  }
  return sum;
}
