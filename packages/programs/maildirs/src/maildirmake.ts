// maildirmake(1): makes a maildir, and with the options Courier's has, folders, quotas and shared maildirs.

import { join } from 'node:path';
import { errnoText, isFault, Permanent, Temporary } from '@q/fault';
import { closeFd, createExclusive, fsyncDir, isThere } from '@q/fsx';
import {
  isMaildir,
  type MaildirModes,
  makeMaildir,
  parseQuota,
  type Quota,
  setQuota,
} from '@q/maildir';
import type { Invocation } from '@q/proc';

/** -S: others may look for folders in it; what is in tmp, new and cur stays its owner's. */
const SHARABLE: MaildirModes = { directory: 0o755, inner: 0o700 };

/** Throws a fault with one line: 100 for a wrong call, 111 when it cannot be made, as it always was. */
export async function maildirmakeMain({ args, options }: Invocation): Promise<number> {
  const [maildir = ''] = args;
  const { f: folder, q: quotaText, S: sharable, s: access } = options;
  const quota = typeof quotaText === 'string' ? quotaOf(quotaText) : undefined;
  if (typeof folder === 'string') {
    if (quota !== undefined)
      throw new Permanent('a quota is for a whole maildir, not for a folder');
    const modes = typeof access === 'string' ? accessModes(access) : {};
    await makeFolder(maildir, folder, modes);
    return 0;
  }
  if (access !== undefined) throw new Permanent('-s is for a folder: use it with -f');
  // With a quota, a maildir that is there already just gets the quota.
  if (quota === undefined || !(await isThere(maildir)))
    await make(maildir, sharable === true ? SHARABLE : {});
  if (quota === undefined) return 0;
  if (!(await isMaildir(maildir))) throw new Permanent(`${maildir} is not a maildir`);
  await setQuota(maildir, quota);
  return 0;
}

function quotaOf(text: string): Quota {
  const quota = parseQuota(text);
  if (quota === undefined) throw new Permanent(`not a quota (such as 10000000S,1000C): ${text}`);
  return quota;
}

async function makeFolder(maildir: string, folder: string, modes: MaildirModes): Promise<void> {
  if (!isFolderName(folder)) throw new Permanent(`not a folder name: ${folder}`);
  if (!(await isMaildir(maildir))) throw new Temporary(`${maildir} is not a maildir`);
  const path = join(maildir, `.${folder}`);
  await make(path, modes);
  // It tells a folder from a maildir that merely lies there: the quota counts in its parent.
  const mode = modes.inner === undefined ? 0o600 : 0o644;
  await closeFd(await createExclusive(join(path, 'maildirfolder'), mode));
  await fsyncDir(path);
}

async function make(path: string, modes: MaildirModes): Promise<void> {
  try {
    await makeMaildir(path, modes);
  } catch (error) {
    const reason = errnoText(isFault(error) && error.cause !== undefined ? error.cause : error);
    throw new Temporary(`unable to mkdir ${path}: ${reason}`, { cause: error });
  }
}

/** Levels joined by dots, none of them empty. */
function isFolderName(name: string): boolean {
  return /^[^./]+(?:\.[^./]+)*$/.test(name) && !name.includes('\0');
}

/** -s: "read" or "write", for everybody or, with "group", the group alone. The sticky bit protects others' mail. */
function accessModes(text: string): MaildirModes {
  const words = new Set(text.split(','));
  const known = ['read', 'write', 'group'].filter((word) => words.delete(word));
  if (words.size > 0 || (known.includes('read') && known.includes('write')))
    throw new Permanent(`-s takes read or write, and perhaps group: ${text}`);
  const all = known.includes('write') ? 0o1777 : 0o755;
  const mode = known.includes('group') ? all & ~0o007 : all;
  return { directory: mode & ~0o1022, inner: mode };
}
