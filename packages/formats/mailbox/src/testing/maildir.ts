// A Maildir of a test's own, and what a test does with it as another program would.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type Folder, type FolderOptions, FolderPool } from '../index.ts';

const tops: string[] = [];
afterEach(() => {
  for (const top of tops.splice(0)) rmSync(top, { recursive: true, force: true });
});

export interface TestMaildir {
  readonly dir: string;
  /** Puts a file into new or cur. */
  put(name: string, text?: string): void;
  names(sub: 'cur' | 'new' | 'tmp'): string[];
  rename(from: string, to: string): void;
  remove(name: string): void;
  /** The text of a file of the folder; undefined when there is none. */
  text(name: string): string | undefined;
  write(name: string, text: string): void;
}

export function makeTestMaildir(name = 'Maildir'): TestMaildir {
  const top = mkdtempSync(join(tmpdir(), 'mailbox-'));
  tops.push(top);
  return testMaildir(join(top, name));
}

/** Makes one at `dir`, whose parent must be there. */
export function testMaildir(dir: string): TestMaildir {
  for (const sub of ['', 'cur', 'new', 'tmp']) mkdirSync(join(dir, sub));
  const at = (path: string) => Buffer.from(`${dir}/${path}`, 'latin1');
  return {
    dir,
    put: (path, text = 'Subject: x\n\nbody\n') => writeFileSync(at(path), text, 'latin1'),
    names: (sub) => readdirSync(join(dir, sub), 'latin1').sort(),
    rename: (from, to) => renameSync(at(from), at(to)),
    remove: (path) => unlinkSync(at(path)),
    text: (path) => (existsSync(at(path)) ? readFileSync(at(path), 'latin1') : undefined),
    write: (path, text) => writeFileSync(at(path), text, 'latin1'),
  };
}

export interface TestFolder extends Disposable {
  readonly pool: FolderPool;
  readonly folder: Folder;
  /** What was logged. */
  readonly log: readonly string[];
}

/**
 * Opens a folder in a pool of its own, as another process would. Without the time for which a change that came in the very
 * moment of our own may not be seen: tests look at once.
 */
export async function openTest(
  { dir }: Pick<TestMaildir, 'dir'>,
  options: Partial<FolderOptions> = {},
): Promise<TestFolder> {
  const pool = new FolderPool();
  const log: string[] = [];
  const folder = await pool.open(dir, {
    root: dir,
    verifyMs: 0,
    log: (line) => log.push(line),
    ...options,
  });
  return { pool, folder, log, [Symbol.dispose]: () => pool.release(folder) };
}
