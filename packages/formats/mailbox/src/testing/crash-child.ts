// Works on two folders until it is killed, and says on descriptor 1 what it is about to do and what it has done.
// argv: the two directories, and the number of the first message.

import { writeSync } from 'node:fs';
import { FLAG, type Folder, FolderPool } from '../index.ts';

const [one = '', other = '', first = '0'] = process.argv.slice(2);

/** The parent reads whole lines only: a line that was cut off was not said. */
function say(...words: readonly (string | number)[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

async function work(): Promise<void> {
  const pool = new FolderPool();
  const folders = [await pool.open(one, { root: one }), await pool.open(other, { root: one })];
  for (let number = Number(first); ; number++) {
    for (const [at, folder] of folders.entries()) await append(folder, at, number);
    const at = number % 2;
    await change(folders[at] as Folder, folders[1 - at] as Folder, { at, number });
  }
}

async function append(folder: Folder, at: number, number: number): Promise<void> {
  const id = `m${number}-${at}`;
  say('appending', at, id);
  const spool = await folder.spool();
  await spool.write(Buffer.from(id));
  const [message] = await folder.deliver([{ spool, flags: 0, keywords: ['k'], time: undefined }]);
  say('appended', at, id, message?.uid ?? 0);
}

async function change(
  folder: Folder,
  target: Folder,
  { at, number }: { readonly at: number; readonly number: number },
): Promise<void> {
  const some = folder.messages.slice(0, 2);
  await folder.store(some, { change: 'add', flags: FLAG.seen, keywords: [`k${number % 5}`] });
  const uids = some.map(({ uid }) => uid);
  if (number % 3 === 0) {
    say('expunging', at, ...uids);
    await folder.expunge(some);
    say('expunged', at, ...uids);
  } else {
    say('moving', at, ...uids);
    const moved = await target.take(folder, some, 'move');
    for (const { from, to } of moved) say('moved', at, from.uid, to.uid);
  }
}

run(work());

/** The bundle is CommonJS, which has no await at its top. */
function run(done: Promise<void>): void {
  done.catch((error: unknown) => {
    say('failed', JSON.stringify(String(error instanceof Error ? error.stack : error)));
    process.exitCode = 1;
  });
}
