// What FETCH's items need to be known of a message, so that nothing is looked up or opened in vain.

import type { FetchItem } from '@q/imap';
import { isHeadSection, isHeldSection } from './held-section.ts';

export interface FetchPlan {
  readonly items: readonly FetchItem[];
  /** The short facts of the cache. */
  readonly facts: boolean;
  /** The tree of parts. */
  readonly structure: boolean;
  /** What the cache has ready-made; without it facts and tree. */
  readonly rendering: boolean;
  /** The message's file. */
  readonly file: 'whole' | 'header' | undefined;
  /** The tree of parts is needed for sections of the file, however small that is. */
  readonly parts: boolean;
  readonly preview: boolean;
  /** An item that is read, not looked at: the message becomes \Seen. */
  readonly marksSeen: boolean;
}

export interface PlanOptions {
  /** UID FETCH: the UID is told without being asked for (RFC 9051, section 6.4.9). */
  readonly addUid: boolean;
  /** CHANGEDSINCE: so is MODSEQ (RFC 7162, section 3.1.4.1). */
  readonly addModseq: boolean;
}

export function fetchPlan(
  asked: readonly FetchItem[],
  { addUid, addModseq }: PlanOptions,
): FetchPlan {
  const items = [...asked];
  const has = (kind: FetchItem['kind']) => items.some((item) => item.kind === kind);
  if (addUid && !has('UID')) items.unshift({ kind: 'UID' });
  if (addModseq && !has('MODSEQ')) items.push({ kind: 'MODSEQ' });
  const needs = new Set(items.map(({ kind }) => NEEDS[kind]));
  return {
    items,
    facts: needs.has('facts'),
    structure: needs.has('structure'),
    rendering: needs.has('rendering'),
    file: !needs.has('file') ? undefined : items.every(isOfHeader) ? 'header' : 'whole',
    parts: items.some(isOfParts),
    preview: needs.has('preview'),
    marksSeen: items.some(marksSeen),
  };
}

/** Nothing of the file but its header is needed. */
function isOfHeader(item: FetchItem): boolean {
  if (item.kind === 'section') return isHeadSection(item.section);
  return item.kind === 'RFC822.HEADER' || NEEDS[item.kind] !== 'file';
}

function isOfParts(item: FetchItem): boolean {
  if (item.kind === 'section') return !isHeldSection(item.section);
  return item.kind === 'BINARY' || item.kind === 'BINARY.SIZE';
}

function marksSeen(item: FetchItem): boolean {
  switch (item.kind) {
    case 'section':
    case 'BINARY':
      return !item.peek;
    case 'RFC822':
    case 'RFC822.TEXT':
      return true;
    default:
      return false;
  }
}

const NEEDS: Readonly<
  Record<FetchItem['kind'], 'nothing' | 'facts' | 'structure' | 'rendering' | 'file' | 'preview'>
> = {
  UID: 'nothing',
  FLAGS: 'nothing',
  MODSEQ: 'nothing',
  INTERNALDATE: 'facts',
  ENVELOPE: 'rendering',
  'RFC822.SIZE': 'facts',
  EMAILID: 'facts',
  THREADID: 'facts',
  SAVEDATE: 'facts',
  BODY: 'structure',
  BODYSTRUCTURE: 'rendering',
  RFC822: 'file',
  'RFC822.HEADER': 'file',
  'RFC822.TEXT': 'file',
  section: 'file',
  BINARY: 'file',
  'BINARY.SIZE': 'file',
  PREVIEW: 'preview',
  SNIPPET: 'preview',
};
