// How much mail a mailbox holds: messages and bytes, by whether they were seen. maildir(5).

import { opendirSync, statSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { errnoOf, faultOf } from '@q/fault';

interface MailCount {
  readonly messages: number;
  readonly bytes: number;
}

/** `fresh`: in new/; `unseen` and `seen`: in cur/, without and with the flag S. */
export interface MailCounts {
  readonly fresh: MailCount;
  readonly unseen: MailCount;
  readonly seen: MailCount;
}

/** Counts the maildir `mailbox` (latin1). A missing new or cur counts as empty. Throws a fault when unreadable. */
export function countMail(mailbox: string): MailCounts {
  const fresh = { messages: 0, bytes: 0 };
  const unseen = { messages: 0, bytes: 0 };
  const seen = { messages: 0, bytes: 0 };
  for (const [name, bytes] of filesIn(`${mailbox}/new`)) {
    if (!name.startsWith('.')) add(fresh, bytes);
  }
  for (const [name, bytes] of filesIn(`${mailbox}/cur`)) {
    if (!name.startsWith('.')) add(/:2,[A-Za-z]*S[A-Za-z]*$/.test(name) ? seen : unseen, bytes);
  }
  return { fresh, unseen, seen };
}

function add(count: { messages: number; bytes: number }, bytes: number): void {
  count.messages++;
  count.bytes += bytes;
}

/** Names (latin1) and sizes; files that go away meanwhile are passed over. */
function* filesIn(path: string): Generator<[name: string, bytes: number]> {
  try {
    const directory = opendirSync(bytesOf(path), { encoding: 'latin1' });
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        const name = entry.name;
        const stats = statSync(bytesOf(`${path}/${name}`), { throwIfNoEntry: false });
        if (stats?.isFile()) yield [name, stats.size];
      }
    } finally {
      directory.closeSync();
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw faultOf(error, 'unable to count mail');
  }
}
