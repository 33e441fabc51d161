// Shared folders of Courier's old kind, where file permissions say who may read: maildirmake(1), options -S, -s and
// --add.
//
//     shared-maildirs                   "NAME /path/of/a/Maildir", a line each: made by the administrator or the user
//     shared-folders/NAME/Arch.2026/    a Maildir of one's own for a folder there that one subscribed to. Its messages are
//         shared -> /path/.Arch.2026    links to those of the folder; flags, keywords and UIDs are one's own
//         shared-timestamp              when the links were last brought up to date
//
// Subscribing makes the Maildir of links, unsubscribing removes it. Such folders are for reading: who may write there
// does so as the owner of the Maildir.

import { lstatSync, type Stats, statSync } from 'node:fs';
import {
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf, faultOf } from '@q/fault';
import { makeMaildir, parseName, uniqueName } from '@q/maildir';
import type { FolderPath } from './folder-path.ts';
import { CLOCK_GRAIN, LOOK_BATCH, SHARED_MAILDIRS_MAX } from './limits.ts';
import { NameFault } from './name-fault.ts';
import { linesOf, readText } from './small-file.ts';
import { Tree } from './tree.ts';

const MAILDIRS = 'shared-maildirs';
const FOLDERS = 'shared-folders';
const LINK = 'shared';
const TIMESTAMP = 'shared-timestamp';

export class LinkedFolders {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Whether there can be any. Throws a fault. */
  get isConfigured(): boolean {
    return readText(join(this.#root, MAILDIRS), SHARED_MAILDIRS_MAX) !== undefined;
  }

  /** Every folder of the Maildirs, whether subscribed to or not. Throws a fault. */
  async folders(): Promise<readonly { readonly path: FolderPath; readonly linked: boolean }[]> {
    const found: { path: FolderPath; linked: boolean }[] = [];
    for (const [name, maildir] of this.#maildirs()) {
      // One that cannot be read is for others.
      const folders = await new Tree(maildir).folders().catch(() => []);
      for (const { path } of folders) {
        const whole = [name, ...path];
        found.push({ path: whole, linked: this.isLinked(whole) });
      }
    }
    return found;
  }

  /** The Maildir of links; it need not exist. */
  dirOf([name = '', ...rest]: FolderPath): string {
    return join(this.#root, FOLDERS, name, rest.join('.'));
  }

  /** Whether it is subscribed to. */
  isLinked(path: FolderPath): boolean {
    const dir = this.dirOf(path);
    return path.length > 1 && isDirectory(dir) && isDirectory(join(dir, 'cur'));
  }

  /** Throws NameFault NONEXISTENT when there is no such folder that can be read, or a fault. */
  async link(path: FolderPath): Promise<void> {
    if (this.isLinked(path)) return;
    const [name = '', ...rest] = path;
    const maildir = this.#maildirs().get(name);
    const source = maildir && join(maildir, new Tree(maildir).directoryFor(rest));
    if (source === undefined || rest.length === 0 || !isReadable(source))
      throw new NameFault('NONEXISTENT', 'No such mailbox');
    const made = join(this.#root, 'tmp', `${uniqueName()}.made`);
    try {
      await makeMaildir(made);
      await symlink(source, join(made, LINK));
      await mkdir(join(this.#root, FOLDERS, name), { recursive: true, mode: 0o700 });
      await rename(made, this.dirOf(path));
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      throw faultOf(error, 'unable to subscribe to the shared mailbox');
    }
  }

  /** Throws a fault. */
  async unlink(path: FolderPath): Promise<void> {
    if (!this.isLinked(path)) return;
    const hidden = join(this.#root, 'tmp', `${uniqueName()}.removed`);
    try {
      await rename(this.dirOf(path), hidden);
      await rm(hidden, { recursive: true, force: true });
    } catch (error) {
      throw faultOf(error, 'unable to unsubscribe from the shared mailbox');
    }
  }

  /** Brings the links up to date with the folder. What is in the way of that leaves them as they were. Throws a fault. */
  async refresh(path: FolderPath): Promise<void> {
    const dir = this.dirOf(path);
    const source = await readlink(join(dir, LINK)).catch(() => undefined);
    if (source === undefined || !isAbsolute(source) || !isReadable(source)) return;
    try {
      await takeNew(source);
      // A clock of the file system that is behind ours must not hide what comes from now on.
      const started = new Date(Date.now() - CLOCK_GRAIN);
      if (isUpToDate(dir, source)) return;
      await relink(dir, source);
      await writeFile(join(dir, TIMESTAMP), '', { mode: 0o600 });
      await utimes(join(dir, TIMESTAMP), started, started);
    } catch (error) {
      throw faultOf(error, 'unable to look at the shared mailbox');
    }
  }

  #maildirs(): ReadonlyMap<string, string> {
    const text = readText(join(this.#root, MAILDIRS), SHARED_MAILDIRS_MAX) ?? '';
    const maildirs = new Map<string, string>();
    for (const line of linesOf(text)) {
      const [, name, path] = /^([^\s#./][^\s./]*)[ \t]+(\/.*)$/.exec(line) ?? [];
      if (name !== undefined && path !== undefined) maildirs.set(name.normalize('NFC'), path);
    }
    return maildirs;
  }
}

/** What was delivered there may be there for the first reader to take; often he may not. */
async function takeNew(source: string): Promise<void> {
  for (const name of await readdir(join(source, 'new')).catch(() => [])) {
    if (name.startsWith('.')) continue;
    const seen = name.includes(':2,') ? name : `${name}:2,`;
    await rename(join(source, 'new', name), join(source, 'cur', seen)).catch(() => {});
  }
}

/** Nothing came or went there since the last time: strictly, for in the same tick something may have. */
function isUpToDate(dir: string, source: string): boolean {
  const last = lstatSync(join(dir, TIMESTAMP), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return ['new', 'cur'].every((name) => statSync(join(source, name)).mtimeMs < last);
}

async function relink(dir: string, source: string): Promise<void> {
  const names = (await readdir(join(source, 'cur'))).filter((name) => !name.startsWith('.'));
  const missing = new Map(names.map((name) => [parseName(name).unique, name]));
  let looks = 0;
  for (const place of ['cur', 'new']) {
    for (const own of await readdir(join(dir, place))) {
      if (own.startsWith('.')) continue;
      const path = join(dir, place, own);
      const { unique } = parseName(own);
      const name = missing.get(unique);
      if (name === undefined) await unlinkQuietly(path);
      else await pointTo(dir, path, join(source, 'cur', name));
      missing.delete(unique);
      if (++looks % LOOK_BATCH === 0) await nextTurn();
    }
  }
  for (const [unique, name] of missing)
    await replaceLink(dir, join(dir, 'new', unique), join(source, 'cur', name));
}

async function pointTo(dir: string, path: string, target: string): Promise<void> {
  const before = await readlink(path).catch(() => undefined);
  if (before !== undefined && before !== target) await replaceLink(dir, path, target);
}

async function replaceLink(dir: string, path: string, target: string): Promise<void> {
  const made = join(dir, 'tmp', uniqueName());
  await symlink(target, made);
  await rename(made, path);
}

async function unlinkQuietly(path: string): Promise<void> {
  await unlink(path).catch((error) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}

function isReadable(source: string): boolean {
  return isDirectory(source) && isDirectory(join(source, 'cur'));
}

function isDirectory(path: string): boolean {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return false;
  }
  return stats?.isDirectory() === true;
}
