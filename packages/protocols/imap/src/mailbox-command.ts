// Arguments of the commands about mailboxes: LIST, STATUS, SELECT, CREATE.

import { bad } from './command-error.ts';
import { knownSetArgument, mailboxArgument, specialUseArgument } from './common-arguments.ts';
import type { CommandCursor } from './cursor.ts';
import { LIST_MAX, PATTERN_MAX } from './limits.ts';
import type { SequenceSet } from './sequence-set.ts';

const STATUS_ITEMS = [
  'MESSAGES',
  'RECENT',
  'UIDNEXT',
  'UIDVALIDITY',
  'UNSEEN',
  'DELETED',
  'SIZE',
  'HIGHESTMODSEQ',
  'APPENDLIMIT',
  'MAILBOXID',
  'DELETED-STORAGE',
] as const;

export type StatusItem = (typeof STATUS_ITEMS)[number];

/** "(" status-att *(SP status-att) ")": RFC 9051, 7162 (HIGHESTMODSEQ), 7889, 8474 (MAILBOXID), 9208. */
export function statusItems(cursor: CommandCursor): readonly StatusItem[] {
  return [...new Set(cursor.list(() => cursor.word(STATUS_ITEMS, 'Unknown STATUS item'), 1))];
}

export interface ListArguments {
  readonly selection: readonly ('SUBSCRIBED' | 'REMOTE' | 'RECURSIVEMATCH' | 'SPECIAL-USE')[];
  /** As sent, in modified UTF-7 or UTF-8: to be compared with names as they are sent. */
  readonly reference: string;
  readonly patterns: readonly string[];
  /** Undefined without RETURN. */
  readonly returns: readonly ('SUBSCRIBED' | 'CHILDREN' | 'SPECIAL-USE' | 'MYRIGHTS')[] | undefined;
  /** Of RETURN (STATUS (…)). */
  readonly status: readonly StatusItem[];
  /** Written in the extended form of RFC 5258. */
  readonly extended: boolean;
}

/**
 *     list = "LIST" [SP "(" [select-opt *(SP select-opt)] ")"] SP mailbox SP (list-mailbox / "(" patterns ")")
 *            [SP "RETURN" SP "(" [return-opt *(SP return-opt)] ")"]
 */
export function listArguments(cursor: CommandCursor): ListArguments {
  cursor.space();
  let selection: ListArguments['selection'] = [];
  const selects = cursor.sees('(');
  if (selects) {
    selection = cursor.list(() => cursor.word(SELECTIONS, 'Unknown LIST selection option'));
    cursor.space();
    // RFC 5258, section 3.1: it modifies another option.
    if (selection.includes('RECURSIVEMATCH') && !selection.some((one) => BASES.includes(one)))
      bad('RECURSIVEMATCH needs another option');
  }
  const reference = limited(cursor.astring());
  cursor.space();
  const several = cursor.sees('(');
  const pattern = () => limited(cursor.listMailbox());
  const patterns = several ? cursor.list(pattern, 1) : [pattern()];
  const status: StatusItem[] = [];
  const returns = cursor.tryText(' ') ? listReturns(cursor, status) : undefined;
  const extended = selects || several || returns !== undefined;
  return { selection, reference, patterns, returns, status, extended };
}

const SELECTIONS = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'] as const;
const BASES: readonly string[] = ['SUBSCRIBED', 'SPECIAL-USE'];

function listReturns(
  cursor: CommandCursor,
  status: StatusItem[],
): NonNullable<ListArguments['returns']> {
  cursor.word(['RETURN'], 'Syntax error');
  cursor.space();
  const given = cursor.list(() => {
    if (!cursor.tryWord('STATUS')) return cursor.word(RETURNS, 'Unknown LIST return option');
    cursor.space();
    status.push(...statusItems(cursor));
    if (status.length > LIST_MAX) bad('[LIMIT] List too long');
    return undefined;
  });
  return given.filter((one) => one !== undefined);
}

const RETURNS = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'MYRIGHTS'] as const;

/** lsub = "LSUB" SP mailbox SP list-mailbox */
export function lsubArguments(cursor: CommandCursor): { reference: string; pattern: string } {
  cursor.space();
  const reference = limited(cursor.astring());
  cursor.space();
  return { reference, pattern: limited(cursor.listMailbox()) };
}

function limited(pattern: string): string {
  return pattern.length > PATTERN_MAX ? bad('[LIMIT] Pattern too long') : pattern;
}

type NumberSet = Extract<SequenceSet, { kind: 'numbers' }>;

/** What a client knows of a mailbox from before (RFC 7162, section 3.2.5). */
export interface ResyncArguments {
  readonly uidValidity: number;
  readonly modSequence: number;
  readonly knownUids: NumberSet | undefined;
  /** Message numbers and their UIDs, of equal count. */
  readonly match: { readonly numbers: NumberSet; readonly uids: NumberSet } | undefined;
}

export interface SelectArguments {
  readonly mailbox: string;
  readonly condstore: boolean;
  readonly resync: ResyncArguments | undefined;
}

/** select = "SELECT" SP mailbox [SP "(" select-param *(SP select-param) ")"] */
export function selectArguments(cursor: CommandCursor): SelectArguments {
  cursor.space();
  const mailbox = mailboxArgument(cursor);
  let condstore = false;
  let resync: ResyncArguments | undefined;
  if (cursor.tryText(' '))
    cursor.list(() => {
      if (cursor.word(['CONDSTORE', 'QRESYNC'], 'Unknown SELECT parameter') === 'QRESYNC')
        resync = resyncArguments(cursor);
      else condstore = true;
    }, 1);
  return { mailbox, condstore, resync };
}

/** SP "(" uidvalidity SP mod-sequence [SP known-uids] [SP "(" known-sequence-set SP known-uid-set ")"] ")" */
function resyncArguments(cursor: CommandCursor): ResyncArguments {
  cursor.space();
  cursor.text('(');
  const uidValidity = cursor.nzNumber();
  cursor.space();
  const modSequence = cursor.number64();
  let knownUids: NumberSet | undefined;
  let match: ResyncArguments['match'];
  if (cursor.tryText(' ') && !cursor.sees('(')) {
    knownUids = knownSetArgument(cursor);
    cursor.tryText(' ');
  }
  if (cursor.tryText('(')) {
    const numbers = knownSetArgument(cursor);
    cursor.space();
    match = { numbers, uids: knownSetArgument(cursor) };
    cursor.text(')');
  }
  cursor.text(')');
  return { uidValidity, modSequence, knownUids, match };
}

/** create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"] (RFC 6154) */
export function createArguments(cursor: CommandCursor): {
  readonly mailbox: string;
  readonly uses: readonly string[];
} {
  cursor.space();
  const mailbox = mailboxArgument(cursor);
  if (!cursor.tryText(' ')) return { mailbox, uses: [] };
  cursor.text('(');
  cursor.word(['USE'], 'Unknown CREATE parameter');
  cursor.space();
  const uses = cursor.list(() => specialUseArgument(cursor));
  cursor.text(')');
  return { mailbox, uses };
}
