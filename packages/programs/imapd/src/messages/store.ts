// STORE and UID STORE (RFC 9051, section 6.4.6; RFC 7162, section 3.1.3; rights: RFC 4314, section 4).

import { asciiLower } from '@q/bytes';
import { formatSequenceSet, type StoreArguments } from '@q/imap';
import type { FlagChange, FlagsChanged, Folder, FolderMessage } from '@q/mailbox';
import { enableCondstore } from '../condstore.ts';
import { CommandRefused } from '../refused.ts';
import type { CommandRow, Reply, Session } from '../session.ts';
import type { View } from '../view.ts';
import { type ChangeableFlags, changeableFlags, flagsOf } from './flags.ts';
import { flagsLine, modseqLine, tellsModseq, tellsRecent } from './message-line.ts';
import { changeableView, rightsNow } from './rights.ts';

export function storeRow(byUid: boolean): CommandRow<StoreArguments> {
  return {
    state: 'selected',
    tellsExpunged: byUid,
    run: (session, given) => store(session, given, byUid),
  };
}

async function store(session: Session, given: StoreArguments, byUid: boolean): Promise<Reply> {
  const view = changeableView(session);
  const rights = await rightsNow(session, view);
  const wanted = view.resolve(session, given.set, byUid);
  const steps = allowedSteps(
    given,
    view.opened.folder,
    changeableFlags(rights, session.settings.keywords),
  );
  if (given.unchangedSince !== undefined) enableCondstore(session);
  const { folder } = view.opened;
  refuseTooManyKeywords(folder, steps);
  const messages = wanted.filter(({ gone }) => !gone);
  const silence = given.silent ? new Silence(view, messages, steps) : undefined;
  const done = await runSteps(folder, messages, steps, given.unchangedSince);
  await tell(session, view, done.stored, given, silence);
  return answer(view, done, {
    gone: done.gone.length + wanted.length - messages.length,
    byUid,
    given,
  });
}

/**
 * What the rights allow of a change, as changes that touch nothing else; all are done in turn. Throws CommandRefused when
 * that is nothing (RFC 4314, section 4: only then does STORE fail).
 */
function allowedSteps(
  given: StoreArguments,
  folder: Folder,
  may: ChangeableFlags,
): readonly FlagChange[] {
  const asked = flagsOf(given.flags);
  if (!may.keywords && may.flags === 0)
    throw new CommandRefused('NO', 'Not your right here', 'NOPERM');
  const flags = asked.flags & may.flags;
  const keywords = may.keywords ? asked.keywords : [];
  if (given.change === 'replace') {
    if (may.keywords && may.flags === changeableFlags('swt', true).flags)
      return [{ change: 'replace', flags, keywords }];
    // The flags that are not this user's to change stay as they are.
    return [
      { change: 'add', flags, keywords },
      {
        change: 'remove',
        flags: may.flags & ~flags,
        keywords: may.keywords ? otherKeywords(folder, keywords) : [],
      },
    ];
  }
  if (given.flags.length > 0 && flags === 0 && keywords.length === 0)
    throw new CommandRefused('NO', 'None of these flags can be changed', 'NOPERM');
  return [{ change: given.change, flags, keywords }];
}

/** The folder's keywords but for those `wanted`. */
function otherKeywords(folder: Folder, wanted: readonly string[]): readonly string[] {
  const kept = new Set(wanted.map(asciiLower));
  return folder.keywords.filter((keyword) => !kept.has(asciiLower(keyword)));
}

function refuseTooManyKeywords(folder: Folder, steps: readonly FlagChange[]): void {
  if (folder.acceptsKeywords) return;
  const known = new Set(folder.keywords.map(asciiLower));
  const isNew = (keyword: string) => !known.has(asciiLower(keyword));
  if (steps.some(({ change, keywords }) => change !== 'remove' && keywords.some(isNew)))
    throw new CommandRefused('NO', 'No more keywords in this mailbox', 'LIMIT');
}

async function runSteps(
  folder: Folder,
  messages: readonly FolderMessage[],
  steps: readonly FlagChange[],
  unchangedSince: number | undefined,
): Promise<FlagsChanged> {
  let left = messages;
  let condition = unchangedSince;
  const modified: FolderMessage[] = [];
  const gone: FolderMessage[] = [];
  for (const step of steps) {
    const done = await folder.store(left, step, condition);
    left = done.stored;
    modified.push(...done.modified);
    gone.push(...done.gone);
    // The first step decided which; it changed their mod-sequences itself.
    condition = undefined;
  }
  return { stored: left, modified, gone };
}

/** Tells what became of the messages stored, so that sync() need not: each exactly once. */
async function tell(
  session: Session,
  view: View,
  stored: readonly FolderMessage[],
  { silent, unchangedSince }: StoreArguments,
  silence: Silence | undefined,
): Promise<void> {
  const withModseq = tellsModseq(session) && (!silent || unchangedSince !== undefined);
  const recents = tellsRecent(session);
  let count = 0;
  for (const message of stored) {
    const number = view.numberOf(message);
    // What others changed is told even to a client that asked for silence: it could not know.
    if (silence === undefined || !silence.covers(message))
      session.write(flagsLine(session, message, number, recents && view.isRecent(message)));
    else if (withModseq || session.enabled.has('QRESYNC'))
      session.write(modseqLine(session, message, number));
    view.noteTold(message);
    if ((++count & 127) === 0) await session.drain();
  }
}

/** With .SILENT the client works out by itself what the flags are: right only if it knew them, and nobody else changed them. */
class Silence {
  readonly #expected = new Map<
    FolderMessage,
    { readonly flags: number; readonly keywords: string }
  >();

  /** Of `messages` as they are before `steps` are done. */
  constructor(view: View, messages: readonly FolderMessage[], steps: readonly FlagChange[]) {
    const untold = view.untold();
    if (untold === undefined) return;
    for (const message of messages) {
      if (untold.has(message)) continue;
      let { flags, keywords }: Pick<FlagChange, 'flags' | 'keywords'> = message;
      for (const step of steps) ({ flags, keywords } = changed({ flags, keywords }, step));
      this.#expected.set(message, { flags, keywords: keywordKey(keywords) });
    }
  }

  covers(message: FolderMessage): boolean {
    const expected = this.#expected.get(message);
    return (
      expected !== undefined &&
      expected.flags === message.flags &&
      expected.keywords === keywordKey(message.keywords)
    );
  }
}

function changed(
  before: Pick<FlagChange, 'flags' | 'keywords'>,
  step: FlagChange,
): Pick<FlagChange, 'flags' | 'keywords'> {
  const given = new Set(step.keywords.map(asciiLower));
  switch (step.change) {
    case 'replace':
      // What no client can set ("passed") stays.
      return {
        flags: (before.flags & ~changeableFlags('swt', true).flags) | step.flags,
        keywords: step.keywords,
      };
    case 'add':
      return { flags: before.flags | step.flags, keywords: [...before.keywords, ...step.keywords] };
    case 'remove':
      return {
        flags: before.flags & ~step.flags,
        keywords: before.keywords.filter((keyword) => !given.has(asciiLower(keyword))),
      };
  }
}

function keywordKey(keywords: readonly string[]): string {
  return keywords.length === 0 ? '' : [...new Set(keywords.map(asciiLower))].sort().join(' ');
}

/** RFC 7162, section 3.1.3: MODIFIED in OK; RFC 2180, section 4.2: NO when messages are gone, unless the client knows UIDs. */
function answer(
  view: View,
  { modified }: FlagsChanged,
  { gone, byUid, given }: { gone: number; byUid: boolean; given: StoreArguments },
): Reply {
  const numbers = modified
    .map((message) => (byUid ? message.uid : view.numberOf(message)))
    .sort((a, b) => a - b);
  const code = numbers.length > 0 ? { code: `MODIFIED ${formatSequenceSet(numbers)}` } : {};
  if (gone > 0 && !byUid && !given.silent)
    return { status: 'NO', code: 'EXPUNGEISSUED', ...code, text: 'Some of the messages are gone' };
  return {
    status: 'OK',
    ...code,
    text: numbers.length > 0 ? 'Conditional STORE failed' : 'STORE completed',
  };
}
