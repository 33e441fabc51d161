// The unique-ids that Courier's POP3 server gave to the messages of a maildir, so that a client that used it
// before does not download them again.
//
//   courierpop3dsizelist   = "/" version SP next-uid SP uidvalidity LF *line     ; version 2 or 3
//   line                   = file-name SP size SP uid ":" uidvalidity [":" utf8] LF
//   unique-id              = "UID" uid [ "-" uidvalidity ]                       ; without it where it is 0
//
// Example: "/3 3 1795335115", "1795335117.M5P4.vm,S=25:2,S 27 1:1795335115:0" is UID1-1795335115.
//
// The list is read and never written: messages that came later have their file names for unique-ids, and
// keep them. courierimapuiddb is not asked: IMAP servers go on changing it, and unique-ids with it; a
// maildir that POP3 clients of Courier know has the other list.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@q/fault';
import { parseName } from '@q/maildir';
import { COURIER_LIST_MAX } from './limits.ts';

/** Unique-ids by the unique part of the file name (latin1); empty where Courier was not. */
export async function courierUids(dir: string): Promise<ReadonlyMap<string, string>> {
  const text = await listOf(join(dir, 'courierpop3dsizelist'));
  return text === undefined ? new Map() : parseCourierList(text);
}

/** Lines that are none are passed over, and so is a unique-id that was given before. */
export function parseCourierList(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (!/^\/[23] [0-9]+ [0-9]+\n/.test(text)) return found;
  const given = new Set<string>();
  const line = /^(.+) [0-9]+ ([0-9]{1,20}):([0-9]{1,20})(?::[0-9]+)?$/gm;
  line.lastIndex = text.indexOf('\n') + 1;
  for (const [, name = '', uid, validity] of text.matchAll(line)) {
    const unique = parseName(name).unique;
    const id = Number(validity) === 0 ? `UID${uid}` : `UID${uid}-${validity}`;
    if (given.has(id) || found.has(unique)) continue;
    given.add(id);
    found.set(unique, id);
  }
  return found;
}

async function listOf(path: string): Promise<string | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ELOOP') return undefined;
    throw error;
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > COURIER_LIST_MAX) return undefined;
    return (await file.readFile()).toString('latin1');
  } finally {
    await file.close();
  }
}
