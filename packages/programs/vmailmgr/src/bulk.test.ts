import { describe, expect, test } from 'vitest';
import { type BulkLine, batches, openProgress, wordsOf } from './bulk.ts';
import { BULK_PREPARED } from './limits.ts';
import type { Tool } from './tool.ts';

const lineOf = (text: string): BulkLine => ({ text, overlong: false });

async function* linesOf(...texts: string[]): AsyncGenerator<BulkLine, undefined> {
  for (const text of texts) yield lineOf(text);
  return undefined;
}

describe('lines of input', () => {
  test('are prepared some at a time and given in their order, in one batch', async () => {
    let running = 0;
    let most = 0;
    const texts = Array.from({ length: 50 }, (_, i) => String(i));
    const seen: string[][] = [];
    for await (const batch of batches(linesOf(...texts), async ({ text }) => {
      most = Math.max(most, ++running);
      // The later ones of a group are ready first.
      for (let i = Number(text) % 8; i < 8; i++) await null;
      running--;
      return text;
    }))
      seen.push(batch);
    expect(seen).toEqual([texts]);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(BULK_PREPARED);
  });

  test('are given as soon as the next one lets wait for itself', async () => {
    let goOn = () => {};
    const wait = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    async function* slow(): AsyncGenerator<BulkLine, undefined> {
      yield lineOf('first');
      await wait;
      yield lineOf('second');
      return undefined;
    }
    const given = batches(slow(), async ({ text }) => text);
    expect((await given.next()).value).toEqual(['first']);
    goOn();
    expect((await given.next()).value).toEqual(['second']);
    expect((await given.next()).done).toBe(true);
  });

  test('that cannot be prepared end it with that failure', async () => {
    const given = batches(linesOf('a'), () => Promise.reject(new Error('no table')));
    await expect(given.next()).rejects.toThrow('no table');
  });

  test('of nothing give nothing', async () => {
    expect((await batches(linesOf(), async () => 1).next()).done).toBe(true);
  });
});

test('words are what stands between blanks, and a no-break space is none', () => {
  expect(wordsOf(' joe\tsecret\xa0x  a\r')).toEqual(['joe', 'secret\xa0x', 'a']);
  expect(wordsOf(' \t')).toEqual([]);
});

test('progress is for terminals, is overwritten, and silent with --quiet', () => {
  let said = '';
  const toolOf = (quiet: boolean) =>
    ({
      name: 'vaddusers',
      quiet,
      output: { control: (text: string) => (said += text) },
    }) as unknown as Tool;
  const silent = [openProgress(toolOf(true), true), openProgress(toolOf(false), false)];
  for (const progress of silent) {
    progress.show('1');
    progress.clear();
  }
  expect(said).toBe('');
  const progress = openProgress(toolOf(false), true);
  progress.show('1 lines read');
  progress.show('2 lines read');
  progress.clear();
  expect(said).toBe('\rvaddusers: 1 lines read\x1b[K\r\x1b[K');
});
