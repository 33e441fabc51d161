// vupgrade: brings a virtual domain's table to the present form. vupgrade(1).
//
// Read are passwd.cdb with records of versions 0 (text), 1 and 2, or, where there is none, the text table
// passwd of VMailMgr 0.88 and before. One change of the table: it is the old one or the new one.

import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asciiLower, textOf } from '@q/bytes';
import { errnoOf, faultOf, Permanent } from '@q/fault';
import { argText, type Invocation } from '@q/proc';
import { type Domain, ensureMailbox } from '@q/vmail-domain';
import {
  type Draft,
  encodeRecord,
  openTable,
  parseTextTable,
  tablePath,
  UNLIMITED,
  userDefaults,
  type VirtualUser,
} from '@q/vmailmgr';
import { openProgress, type Progress } from './bulk.ts';
import { TEXT_TABLE_MAX } from './limits.ts';
import { reasonOf, runTool } from './tool.ts';

/** What the text table called the catch-all. */
const OLD_CATCH_ALL = '*';

/** Exit code 0, or 1 when something could not be upgraded. */
export function vupgradeMain(invocation: Invocation): Promise<number> {
  return runTool('vupgrade', invocation, async (tool) => {
    const progress = openProgress(tool);
    const troubles: string[] = [];
    try {
      const text = textTable(tool.domain);
      await tool.domain.update((draft) => upgrade(tool.domain, draft, text, troubles, progress));
    } catch (error) {
      troubles.push(reasonOf(error));
    }
    progress.clear();
    for (const trouble of troubles) tool.complain(trouble);
    return troubles.length === 0;
  });
}

type Users = readonly [name: string, user: VirtualUser][];

/** The users of the text table; undefined when there is a cdb. Throws Permanent when there is no table at all. */
function textTable(domain: Domain): Users | undefined {
  const base = argText(domain.settings.string('password-file'));
  if (isThere(tablePath(domain.home, domain.settings))) return undefined;
  const text = join(domain.home, base);
  if (isThere(text)) return readTextTable(text, domain);
  if (isThere(join(domain.home, `${base}.gdbm`)))
    throw new Permanent(
      `Can't open password table.\n  '${base}.gdbm' is a GDBM table, which is not supported: ` +
        `write its users as lines USER:HASH:DESTINATION into '${base}' and try again.`,
    );
  throw new Permanent("Can't open password table.");
}

function readTextTable(path: string, domain: Domain): Users {
  if (lstatSync(path).size > TEXT_TABLE_MAX) throw new Permanent(`'${path}' is too large`);
  return parseTextTable(textOf(readFileSync(path)), userDefaults(domain.settings, UNLIMITED));
}

async function upgrade(
  domain: Domain,
  draft: Draft,
  text: Users | undefined,
  troubles: string[],
  progress: Progress,
): Promise<void> {
  const catchAll = domain.settings.string('default-username');
  let seen = 0;
  for (const [oldName, old, record] of text ?? recordsOf(domain, troubles)) {
    progress.show(`${++seen} users`);
    // A later line of one name was never found: the first counts.
    if (text !== undefined && draft.has(oldName)) continue;
    const name = oldName === OLD_CATCH_ALL ? asciiLower(catchAll) : oldName;
    if (name !== oldName && draft.has(name)) {
      troubles.push(`catch-all '${oldName}' was left: there is a '${name}' already.`);
      continue;
    }
    try {
      const user = await withDirectory(domain, name, old);
      if (name === oldName && record !== undefined && encodeRecord(user).equals(record)) continue;
      if (name !== oldName) draft.delete(oldName);
      draft.set(name, user);
    } catch (error) {
      troubles.push(`user '${oldName}' was left:\n  ${reasonOf(error)}`);
      // The text table is not read again when there is a cdb. Mail for a user without a directory waits, and the
      // next run makes it; mail for one without a record would bounce.
      if (text !== undefined) draft.set(name, old);
    }
  }
}

/** The records of the cdb; one that is unreadable is a trouble, and stays as it is. */
function* recordsOf(
  domain: Domain,
  troubles: string[],
): Generator<[name: string, user: VirtualUser, record: Buffer]> {
  const defaults = userDefaults(domain.settings, UNLIMITED);
  const table = openTable(tablePath(domain.home, domain.settings), defaults);
  try {
    for (const [key, record] of table.records()) {
      const name = textOf(key);
      try {
        const user = table.get(name);
        if (user !== undefined) yield [name, user, record];
      } catch (error) {
        troubles.push(faultOf(error, 'internal error').message);
      }
    }
  } finally {
    table.close();
  }
}

/** Every user gets a directory; a mailbox that is there is left as it is. */
async function withDirectory(
  domain: Domain,
  name: string,
  user: VirtualUser,
): Promise<VirtualUser> {
  const directory = user.directory === '' ? domain.directoryOf(name) : user.directory;
  const hasMailbox = user.directory !== '' && user.hasMailbox;
  await ensureMailbox(directory, hasMailbox ? 'maildir' : 'plain');
  return { ...user, directory, hasMailbox };
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}
