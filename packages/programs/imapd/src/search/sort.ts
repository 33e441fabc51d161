// Sorts messages: keys are taken from the facts once, texts become their rank among all texts, and then numbers are compared.

import type { SortCriterion } from '@q/imap';
import type { FolderCache } from '@q/mail-cache';
import type { FolderMessage } from '@q/mailbox';
import type { Progress } from '../progress.ts';
import { eachWithFacts } from './facts.ts';
import { mergeSort } from './merge-sort.ts';
import { compareTexts, keyOf } from './sort-key.ts';

/** `messages` (ascending) in the order of the criteria; ties by number. Those found to be gone are left out. O(n log n). */
export async function sorted(
  messages: readonly FolderMessage[],
  criteria: readonly SortCriterion[],
  cache: FolderCache,
  progress: Progress,
): Promise<readonly FolderMessage[]> {
  const rest = () => progress.at(1, 1);
  const columns = distinct(criteria).map((criterion) => newColumn(criterion, messages.length));
  /** Of the messages whose keys are known. */
  let known = new Uint32Array(messages.length);
  let count = 0;
  await eachWithFacts(cache, messages, progress, (index, _, look) => {
    const facts = look();
    if (facts === undefined) return true;
    for (const { key, numbers, texts } of columns) {
      if (key.kind === 'number') numbers[index] = key.of(facts);
      else texts[index] = key.of(facts);
    }
    known[count++] = index;
    return false;
  });
  for (const column of columns) if (column.key.kind === 'text') await rank(column, rest);
  known = known.subarray(0, count);
  await mergeSort(known, comparing(columns), rest);
  const found: FolderMessage[] = [];
  for (const index of known) found.push(messages[index] as FolderMessage);
  return found;
}

interface Column {
  readonly key: ReturnType<typeof keyOf>;
  readonly reverse: boolean;
  /** By index of message; of texts their ranks, once they are known. */
  readonly numbers: Float64Array;
  readonly texts: string[];
}

function newColumn({ by, reverse }: SortCriterion, length: number): Column {
  const key = keyOf(by);
  const texts = new Array<string>(key.kind === 'text' ? length : 0).fill('');
  return { key, reverse, numbers: new Float64Array(length), texts };
}

/** A criterion that came before decides nothing again: a thousand of them cost as much as nine. */
function distinct(criteria: readonly SortCriterion[]): readonly SortCriterion[] {
  const seen = new Set<string>();
  return criteria.filter(({ by }) => !seen.has(by) && seen.add(by));
}

/** Equal texts have one rank. */
async function rank({ numbers, texts }: Column, rest: () => Promise<void>): Promise<void> {
  const unique = [...new Set(texts)];
  const order = Uint32Array.from(unique.keys());
  await mergeSort(order, (a, b) => compareTexts(unique[a] as string, unique[b] as string), rest);
  const ranks = new Map<string, number>();
  for (const [place, index] of order.entries()) ranks.set(unique[index] as string, place);
  for (let index = 0; index < texts.length; index++)
    numbers[index] = ranks.get(texts[index] as string) ?? 0;
}

function comparing(columns: readonly Column[]): (a: number, b: number) => number {
  return (a, b) => {
    for (const { numbers, reverse } of columns) {
      const difference = (numbers[a] as number) - (numbers[b] as number);
      if (difference !== 0) return reverse ? -difference : difference;
    }
    return a - b;
  };
}
