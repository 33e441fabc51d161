// Random operations by two processes (pools) and another program on two folders, against a plain model of what must be there.

import { closeSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FLAG, type Folder, type FolderMessage, type OpenMessage } from './index.ts';
import { makeTestMaildir, openTest, type TestMaildir } from './testing/maildir.ts';

type Operation =
  | { readonly kind: 'append'; readonly flags: number; readonly keywords: readonly string[] }
  | {
      readonly kind: 'store';
      readonly which: number;
      readonly change: 'add' | 'remove' | 'replace';
      readonly flags: number;
      readonly keywords: readonly string[];
    }
  | { readonly kind: 'expunge' | 'copy' | 'move'; readonly which: number }
  | { readonly kind: 'reopen' | 'refresh' }
  | { readonly kind: 'deliver' }
  | { readonly kind: 'remove'; readonly which: number }
  | { readonly kind: 'flag'; readonly which: number };

/** By content, which no two messages share but copies: flags and keywords of each, sorted. */
type Model = Map<string, { text: string; flags: number; keywords: string[] }>;

const SETTABLE = FLAG.draft | FLAG.flagged | FLAG.answered | FLAG.seen | FLAG.deleted;
const flags = fc.integer({ min: 0, max: 63 }).map((bits) => bits & SETTABLE);
const keywords = fc.uniqueArray(fc.constantFrom('Work', '$Junk', 'later', 'é'), { maxLength: 3 });
const which = fc.nat(1000);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), flags, keywords }),
  fc.record({
    kind: fc.constant('store' as const),
    which,
    change: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const),
    flags,
    keywords,
  }),
  fc.record({ kind: fc.constantFrom('expunge' as const, 'copy' as const, 'move' as const), which }),
  fc.record({ kind: fc.constantFrom('reopen' as const, 'refresh' as const) }),
  fc.record({ kind: fc.constant('deliver' as const) }),
  fc.record({ kind: fc.constant('remove' as const), which }),
  fc.record({ kind: fc.constant('flag' as const), which }),
);
const step = fc.record({ operation, process: fc.nat(1), at: fc.nat(1) });

test('two processes and another program never disagree with the model, lose, double or number twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const world = await World.make();
      for (const each of steps) await world.step(each);
      await world.compareAll();
    }),
    { numRuns: 15, endOnFailure: false },
  );
});

class World {
  readonly #maildirs: readonly TestMaildir[];
  readonly #models: readonly Model[] = [new Map(), new Map()];
  /** By process, then by folder. */
  readonly #folders: Folder[][] = [];
  /** What was said of each UID, in each folder. */
  readonly #told: readonly Map<number, string>[] = [new Map(), new Map()];
  #made = 0;

  private constructor(maildirs: readonly TestMaildir[]) {
    this.#maildirs = maildirs;
  }

  static async make(): Promise<World> {
    const world = new World([makeTestMaildir(), makeTestMaildir()]);
    for (let process = 0; process < 2; process++) world.#folders.push(await world.#openBoth());
    return world;
  }

  async step({ operation, process, at }: { operation: Operation; process: number; at: number }) {
    const maildir = this.#maildirs[at] as TestMaildir;
    const model = this.#models[at] as Model;
    const folder = this.#folders[process]?.[at] as Folder;
    const other = this.#folders[process]?.[1 - at] as Folder;
    const otherModel = this.#models[1 - at] as Model;
    const { kind } = operation;
    if (kind === 'reopen') this.#folders[process] = await this.#openBoth();
    if (kind === 'deliver') {
      const text = this.#newText();
      maildir.put(`new/${1_700_000_000 + this.#made}.x.host`, text);
      model.set(text, { text, flags: 0, keywords: [] });
    }
    if (kind === 'append') {
      const text = this.#newText();
      const spool = await folder.spool();
      await spool.write(Buffer.from(text));
      const { flags, keywords } = operation;
      const [message] = await folder.deliver([{ spool, flags, keywords, time: undefined }]);
      model.set(text, { text, flags, keywords: [...keywords].sort() });
      expect(folder.messages.at(-1)).toBe(message);
    }
    await folder.refresh({ takeNew: true });
    if (!('which' in operation)) return await this.#compare(process, at);
    const message = folder.messages[operation.which % Math.max(folder.messages.length, 1)];
    if (message === undefined) return;
    const key = this.#keyOf(at, message);
    if (kind === 'remove' || kind === 'flag') {
      const name = maildir.names('cur').find((each) => each.startsWith(message.base)) ?? '';
      if (kind === 'remove') {
        maildir.remove(`cur/${name}`);
        model.delete(key);
      } else {
        maildir.rename(`cur/${name}`, `cur/${message.base}:2,FS`);
        const known = model.get(key);
        if (known !== undefined) known.flags = FLAG.flagged | FLAG.seen;
      }
    }
    if (operation.kind === 'store') {
      const { change, flags, keywords } = operation;
      const result = await folder.store([message], { change, flags, keywords });
      expect(result.stored).toEqual([message]);
      const known = model.get(key);
      if (known !== undefined) {
        const old = known.flags;
        known.flags = change === 'add' ? old | flags : change === 'remove' ? old & ~flags : flags;
        const set = new Set(change === 'replace' ? [] : known.keywords);
        for (const name of keywords) change === 'remove' ? set.delete(name) : set.add(name);
        known.keywords = [...set].sort();
      }
    }
    if (kind === 'expunge') {
      expect(await folder.expunge([message])).toEqual([message]);
      model.delete(key);
    }
    if (kind === 'copy' || kind === 'move') {
      const [taken] = await other.take(folder, [message], kind);
      expect(taken?.from).toBe(message);
      const known = model.get(key);
      // A copy of a copy has the same text: the model tells them apart by a number.
      if (known !== undefined)
        otherModel.set(`${key}#${++this.#made}`, { ...known, keywords: [...known.keywords] });
      if (kind === 'move') {
        expect(message.gone).toBe(true);
        model.delete(key);
      }
      await this.#compare(process, 1 - at);
    }
    await this.#compare(process, at);
  }

  async compareAll(): Promise<void> {
    this.#folders.push(await this.#openBoth());
    for (const process of this.#folders.keys())
      for (const at of [0, 1]) await this.#compare(process, at);
    for (const at of [0, 1]) {
      const uids = this.#folders.map((both) =>
        both[at]?.messages.map(({ uid, base }) => `${uid} ${base}`),
      );
      expect(uids[0]).toEqual(uids[1]);
      expect(uids[2]).toEqual(uids[1]);
    }
  }

  async #openBoth(): Promise<Folder[]> {
    const opened = this.#maildirs.map((maildir) => openTest(maildir));
    return (await Promise.all(opened)).map(({ folder }) => folder);
  }

  #newText(): string {
    return `Subject: ${++this.#made}\n\nbody\n`;
  }

  /** The model's message of this one: by text, and among copies by what it has. */
  #keyOf(at: number, { flags, keywords, base }: FolderMessage): string {
    const maildir = this.#maildirs[at] as TestMaildir;
    const name = maildir.names('cur').find((each) => each.startsWith(base)) ?? '';
    const text = maildir.text(`cur/${name}`) ?? '';
    const same = [...(this.#models[at] as Model)].filter(
      ([, known]) =>
        known.text === text && known.flags === flags && known.keywords.join() === keywords.join(),
    );
    expect(same.length).toBeGreaterThan(0);
    return same[0]?.[0] ?? '';
  }

  async #compare(process: number, at: number): Promise<void> {
    const folder = this.#folders[process]?.[at] as Folder;
    await folder.refresh({ takeNew: true });
    const seen = [];
    for (const message of folder.messages) {
      const { fd } = (await folder.open(message)) as OpenMessage;
      const text = readFileSync(fd, 'latin1');
      closeSync(fd);
      seen.push(JSON.stringify([text, message.flags, message.keywords]));
      const told = (this.#told[at] as Map<number, string>).get(message.uid);
      if (told !== undefined) expect(text).toBe(told);
      this.#told[at]?.set(message.uid, text);
      expect(message.uid).toBeLessThan(folder.uidNext);
      expect(message.modseq).toBeLessThanOrEqual(folder.highestModseq);
      expect(folder.find(message.uid)).toBe(message);
    }
    const uids = folder.messages.map(({ uid }) => uid);
    expect(uids).toEqual([...new Set(uids)].sort((a, b) => a - b));
    const wanted = [...(this.#models[at] as Model).values()].map(({ text, flags, keywords }) =>
      JSON.stringify([text, flags, keywords]),
    );
    expect(seen.sort()).toEqual(wanted.sort());
  }
}
