// LIST (RFC 9051, section 6.3.9), with all of LIST-EXTENDED (RFC 5258), SPECIAL-USE (RFC 6154), LIST-STATUS (RFC 5819) and
// LIST-MYRIGHTS (RFC 8440).

import type { ListArguments } from '@q/imap';
import type { ListedFolder } from '@q/mail-account';
import { replyOfFault } from '../fault-reply.ts';
import { ok } from '../reply.ts';
import type { CommandRow, Session } from '../session.ts';
import { rightsText } from './acl-text.ts';
import { LIST_BATCH } from './limits.ts';
import { tellList } from './list-line.ts';
import { type Selected, selectNames } from './list-selection.ts';
import { asksForOthers, decodePattern, isOfOthers, matcherOf, separatorFor } from './names.ts';
import { tellStatus } from './status.ts';

export const listRow: CommandRow<ListArguments> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, given) {
    const [pattern = ''] = given.patterns;
    if (!given.extended && pattern === '') tellRoot(session, given.reference);
    else await tellNames(session, given);
    return ok('LIST completed');
  },
};

/** An empty pattern asks for the separator, and for the root of the reference. */
function tellRoot(session: Session, reference: string): void {
  const { personal, others, shared } = session.account.namespaces;
  const name = decodePattern(session, reference) ?? '';
  const spaces = [...personal, ...others, ...shared];
  const root = spaces.find(({ prefix }) => prefix !== '' && name.startsWith(prefix))?.prefix ?? '';
  const separator = separatorFor(session.account, name);
  tellList(session, { name: root, separator, attributes: ['\\Noselect'] });
}

async function tellNames(session: Session, given: ListArguments): Promise<void> {
  const matcher = matcherOf(session, given.reference, given.patterns);
  const subscriptions = given.selection.includes('SUBSCRIBED')
    ? await session.account.subscriptions()
    : [];
  const wholes = given.patterns.map((pattern) => given.reference + pattern);
  const isOthers =
    asksForOthers(session, wholes) || subscriptions.some((name) => isOfOthers(session, name));
  const folders = await session.account.folders(isOthers ? 'all' : 'personal');
  const selected = selectNames(folders, subscriptions, { matcher, ...given });
  for (const [index, one] of selected.entries()) {
    tellList(session, lineOf(session, one, given));
    if (one.folder.exists) await tellMore(session, one.folder, given);
    if (index % LIST_BATCH === 0) await session.drain();
  }
}

function lineOf(session: Session, { folder, childInfo }: Selected, given: ListArguments) {
  const { name, separator } = folder;
  const knowsNonExistent = given.extended || session.enabled.has('IMAP4REV2');
  const attributes = attributesOf(folder, knowsNonExistent);
  const tellsSubscribed =
    given.selection.includes('SUBSCRIBED') || given.returns?.includes('SUBSCRIBED');
  if (tellsSubscribed && folder.subscribed) attributes.unshift('\\Subscribed');
  return { name, separator, attributes, ...(childInfo !== undefined && { childInfo }) };
}

/** Of a level that is no mailbox, clients of before RFC 5258 know only that it cannot be selected. */
export function attributesOf(folder: ListedFolder, knowsNonExistent: boolean): string[] {
  const attributes: string[] = [];
  if (!folder.exists) attributes.push(knowsNonExistent ? '\\NonExistent' : '\\Noselect');
  attributes.push(folder.hasChildren ? '\\HasChildren' : '\\HasNoChildren', ...folder.uses);
  return attributes;
}

/** What is returned with a mailbox. One that is gone meanwhile, or that cannot be read, has been listed and no more: RFC 5819. */
async function tellMore(
  session: Session,
  { name }: ListedFolder,
  given: ListArguments,
): Promise<void> {
  try {
    if (given.returns?.includes('MYRIGHTS') && session.settings.acl) {
      const rights = await session.account.rights(session.account.locate(name));
      session.untagged(`MYRIGHTS ${session.mailboxText(name)} ${rightsText(rights)}`);
    }
    if (given.status.length > 0)
      await tellStatus(session, await session.account.find(name, 'r'), given.status);
  } catch (error) {
    const { trouble } = replyOfFault(error);
    if (trouble !== undefined) session.log(`warning: LIST: ${trouble}`);
  }
}
