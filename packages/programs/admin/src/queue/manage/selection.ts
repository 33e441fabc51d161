// Which messages a command is about: by number, by patterns of sender and recipient, by age.

import { asciiLower } from '@q/bytes';
import { isMessageId, type QueuePaths } from '@q/queue-files';
import { envelopeOf, type MessageHead, readHead, recipientsOf, statIfThere } from '../message.ts';
import { idsIn, splitIds } from '../walk.ts';

export interface Selection {
  readonly ids: readonly string[];
  /** Patterns: * any text, ? any character, case does not matter. Lower case already. */
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  /** Seconds. */
  readonly older: number | undefined;
}

export interface Candidate extends MessageHead {
  /** In todo: qmail-send has not looked at it, or delivers it from there for the first time. */
  readonly unprocessed: boolean;
}

/** What stands in a recipient's line. Recipients in todo have no channel yet. */
export interface Addressee {
  readonly channel: 'local' | 'remote' | 'todo';
  readonly address: string;
  readonly done: boolean;
}

/** The numbers to look at, each once. */
export function* idsOf(paths: QueuePaths, { ids }: Selection): Generator<string, void, void> {
  if (ids.length > 0) {
    yield* new Set(ids);
    return;
  }
  for (const id of splitIds(paths, 'info')) if (!inTodo(paths, id)) yield id;
  yield* idsIn(paths, 'todo');
}

/** The message as it is now; undefined when there is none. Throws as readHead. */
export function lookUp(paths: QueuePaths, id: string): Candidate | undefined {
  if (!isMessageId(id)) return undefined;
  if (!inTodo(paths, id)) {
    const head = readHead(paths, id);
    return head && { ...head, unprocessed: false };
  }
  const todo = statIfThere(paths.todo(id));
  if (todo === undefined) return undefined;
  let sender = '';
  for (const { type, text } of envelopeOf(paths, id)) {
    if (type === 'F') sender = text;
    if (type === 'T') break;
  }
  const birth = Math.floor(todo.mtimeMs / 1000);
  const size = statIfThere(paths.mess(id))?.size;
  return { id, sender, birth, size, bouncing: false, unprocessed: true };
}

/** The recipients of a candidate, as they are read. */
export function* addresseesOf(
  paths: QueuePaths,
  { id, unprocessed }: Candidate,
): Generator<Addressee, void, void> {
  if (!unprocessed) return yield* recipientsOf(paths, id);
  for (const { type, text } of envelopeOf(paths, id))
    if (type === 'T') yield { channel: 'todo', address: text, done: false };
}

/** True when sender and age fit and, if recipients are asked for, one who still waits does. */
export function isSelected(
  selection: Selection,
  head: MessageHead,
  addressees: Iterable<Addressee>,
  now: number,
): boolean {
  const { sender, older, recipient } = selection;
  if (sender !== undefined && !matches(sender, head.sender)) return false;
  if (older !== undefined && now - head.birth < older) return false;
  if (recipient === undefined) return true;
  for (const { address, done } of addressees) if (!done && matches(recipient, address)) return true;
  return false;
}

/** Glob matching in time proportional to both lengths' product at worst, whatever the pattern. */
export function matches(pattern: string, text: string): boolean {
  const subject = asciiLower(text);
  let at = 0;
  let p = 0;
  let star = -1;
  let starAt = 0;
  while (at < subject.length) {
    if (pattern[p] === '*') {
      star = p++;
      starAt = at;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === subject[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

function inTodo(paths: QueuePaths, id: string): boolean {
  return statIfThere(paths.todo(id)) !== undefined;
}
