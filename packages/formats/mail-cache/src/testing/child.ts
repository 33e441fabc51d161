// A process that uses a cache until it is killed, or looks at what is in it. Usage: child ROOT writes|reads
//
// writes: notes and loads without end, and says "." for each round. reads: one look at everything, then "ok".

import { openAccountCache } from '../account-cache.ts';
import { TestFolder } from './test-folder.ts';

const [root = '', what] = process.argv.slice(2);

async function main(): Promise<void> {
  const cache = openAccountCache(root, { log: (line) => console.log(line), host: 'h' });
  const folder = new TestFolder(root, 'box');
  const messages = Array.from({ length: 300 }, (_, i) => ({
    ...MESSAGE,
    uid: i + 1,
    base: `m${i + 1}`,
  }));
  if (what === 'writes') for (let round = 0; ; round++) await use(round);
  await use(0);
  console.log('ok');
  await cache.close();

  async function use(round: number): Promise<void> {
    cache.changes('box').note(
      messages.map((each) => ({ ...each, flags: round % 64 })),
      [],
    );
    for (const message of messages) {
      const facts = await cache.folder(folder).loadFacts(message);
      const subject = facts?.envelope.subject;
      if (subject !== `message ${message.uid}`) console.log(`WRONG: ${message.uid} is ${subject}`);
    }
    const found = await cache.folder(folder).search(messages, { kind: 'body' }, 'number 7 ');
    if (found.size !== 1) console.log(`WRONG: ${found.size} found`);
    cache.changes('box').note([], [(round % 300) + 1]);
    process.stdout.write('.');
  }
}

const MESSAGE = { flags: 0, keywords: [], modseq: 1, gone: false };
void main();
