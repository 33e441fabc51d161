// Every name in the queue that could belong to a message, wherever it stands.

import { join } from 'node:path';
import { isMessageId, type QueuePaths, SPLIT, splitOf } from '@q/queue-files';
import { statIfThere } from '../message.ts';
import { namesIn } from '../walk.ts';

/** In the order in which qmail-send depends on them. */
export const SPLIT_DIRECTORIES = ['mess', 'info', 'local', 'remote'] as const;
export const FLAT_DIRECTORIES = ['todo', 'intd', 'bounce'] as const;
export type MessageDirectory =
  | (typeof SPLIT_DIRECTORIES)[number]
  | (typeof FLAT_DIRECTORIES)[number];
export const MESSAGE_DIRECTORIES: readonly MessageDirectory[] = [
  ...SPLIT_DIRECTORIES,
  ...FLAT_DIRECTORIES,
];

export interface QueueName {
  readonly directory: MessageDirectory;
  /** Where it stands, relative to the queue: `mess/5`. */
  readonly place: string;
  readonly name: string;
}

/** All names of one directory, its split directories included; these themselves are left out. */
export function* namesOf(paths: QueuePaths, directory: MessageDirectory): Generator<QueueName> {
  const split = isSplit(directory);
  for (const name of namesIn(join(paths.root, directory))) {
    if (!split || !isSplitName(name)) yield { directory, place: directory, name };
  }
  if (!split) return;
  for (let i = 0; i < SPLIT; i++) {
    const place = `${directory}/${i}`;
    // Missing ones are the tree's trouble, which is told elsewhere.
    if (statIfThere(join(paths.root, place))?.isDirectory() !== true) continue;
    for (const name of namesIn(join(paths.root, place))) yield { directory, place, name };
  }
}

/** Where a message's file of this kind belongs, relative to the queue. */
export function placeOf(directory: MessageDirectory, id: string): string {
  return isSplit(directory) ? `${directory}/${splitOf(id)}` : directory;
}

export function pathOf(paths: QueuePaths, directory: MessageDirectory, id: string): string {
  return join(paths.root, placeOf(directory, id), id);
}

/** True for a message's name in its right place. */
export function isPlaced({ directory, place, name }: QueueName): boolean {
  return isMessageId(name) && place === placeOf(directory, name);
}

/** A file on its way to a new number: `NEW.was.OLD`, in NEW's place. No qmail program takes it for a message. */
export function stagedName(id: string, old: string): string {
  return `${id}.was.${old}`;
}

export function parseStaged(
  name: string,
): { readonly id: string; readonly old: string } | undefined {
  const [id, old, ...rest] = name.split('.was.');
  if (id === undefined || old === undefined || rest.length > 0) return undefined;
  return isMessageId(id) && isMessageId(old) ? { id, old } : undefined;
}

function isSplit(directory: MessageDirectory): boolean {
  return (SPLIT_DIRECTORIES as readonly string[]).includes(directory);
}

function isSplitName(name: string): boolean {
  return /^[0-9]{1,2}$/.test(name) && Number(name) < SPLIT && String(Number(name)) === name;
}
