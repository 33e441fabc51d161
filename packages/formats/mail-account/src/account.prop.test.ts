// Random commands on a real Maildir, against a model that is a map of names.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeModifiedUtf7 } from '@q/bytes';
import { makeMaildir } from '@q/maildir';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NameFault } from './index.ts';
import { useMaildir } from './testing/maildir.ts';

const maildir = useMaildir();

interface Step {
  readonly kind: 'create' | 'remove' | 'rename';
  readonly name: string;
  /** Of a rename. */
  readonly to: string;
}

const levels = fc.constantFrom('a', 'b', 'é', 'e\u0301', 'R&D', 'R&-D', '&AOk-');
const names = fc.array(levels, { minLength: 1, maxLength: 3 }).map((path) => path.join('/'));
const kinds = fc.constantFrom<Step['kind']>('create', 'create', 'create', 'remove', 'rename');
const steps: fc.Arbitrary<Step> = fc.record({ kind: kinds, name: names, to: names });

/** Names whose letters are modified UTF-7 of others are given to nobody. */
const isAmbiguous = (name: string) => ![undefined, name].includes(decodeModifiedUtf7(name));
const isIn = (name: string, above: string) => name === above || name.startsWith(`${above}/`);

/** What is to become of the folders, each known by what it was made as; undefined: the step is refused. */
function expected(
  folders: ReadonlyMap<string, string>,
  step: Step,
): Map<string, string> | undefined {
  const after = new Map(folders);
  const name = step.name.normalize('NFC');
  if (step.kind === 'create')
    return isAmbiguous(name) || folders.has(name) ? undefined : after.set(name, '');
  if (step.kind === 'remove') return after.delete(name) ? after : undefined;
  const to = step.to.normalize('NFC');
  const moved = [...folders].filter(([one]) => isIn(one, name));
  if (isAmbiguous(to) || isIn(to, name) || moved.length === 0) return undefined;
  for (const [one] of moved) after.delete(one);
  for (const [one, mark] of moved) {
    const target = to + one.slice(name.length);
    if (folders.has(target)) return undefined;
    after.set(target, mark);
  }
  return after;
}

test('folders are where the model says, each with what is in it', async () => {
  let runs = 0;
  const run = async (commands: readonly Step[]) => {
    const root = join(maildir.top, `run${runs++}`);
    await makeMaildir(root);
    const account = await maildir.open({ root });
    let folders = new Map<string, string>();
    for (const [number, step] of commands.entries()) {
      const after = expected(folders, step);
      const { kind, name } = step;
      const done = {
        create: () => account.create(name, []),
        remove: () => account.remove(name),
        rename: () => account.rename(name, step.to),
      }[kind]();
      if (after === undefined) {
        await expect(done).rejects.toBeInstanceOf(NameFault);
        continue;
      }
      await done;
      folders = after;
      if (kind !== 'create') continue;
      writeFileSync(join(account.locate(name).dir, 'mark'), `${number}`);
      folders.set(name.normalize('NFC'), `${number}`);
    }
    const listed = (await account.folders()).filter((one) => one.exists && one.name !== 'INBOX');
    const marks = listed.map((one) => {
      const mark = readFileSync(join(account.locate(one.name).dir, 'mark'), 'utf8');
      return [one.name, mark];
    });
    expect(marks.sort()).toEqual([...folders].sort());
  };
  await fc.assert(fc.asyncProperty(fc.array(steps, { minLength: 4, maxLength: 16 }), run), {
    numRuns: 25,
  });
});
