// kill -9 at any moment: what was answered is so, nothing is lost or doubled, and no UID means two messages.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Folder } from './index.ts';
import { makeTestMaildir, openTest } from './testing/maildir.ts';

const ROUNDS = 8;

let place = '';
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'mailbox-crash-'));
  buildSync({
    entryPoints: [join(import.meta.dirname, 'testing/crash-child.ts')],
    outfile: join(place, 'child.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['koffi', 'fs-ext'],
    logLevel: 'error',
    // Native modules are looked for only when they are used, which they are not here.
    define: { 'import.meta.url': '"file:///"' },
  });
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

test('a process that is killed at any moment has lost nothing and doubled nothing', async () => {
  const world = new World([makeTestMaildir().dir, makeTestMaildir().dir]);
  for (let round = 0; round < ROUNDS; round++) {
    const seen = await world.workAndKill(round);
    world.hear(seen);
    await world.check();
  }
});

class World {
  readonly #dirs: readonly [string, string];
  /** By text: those that are known to be somewhere. */
  readonly #present = new Map<string, { at: number; uid: number }>();
  /** Those of which it is not known whether they are there. */
  readonly #perhaps = new Set<string>();
  /** By folder and UID: what the message said, for ever. */
  readonly #meant = new Map<string, string>();

  constructor(dirs: readonly [string, string]) {
    this.#dirs = dirs;
  }

  /** The lines that were said. */
  async workAndKill(round: number): Promise<string[]> {
    const child = spawn(
      process.execPath,
      [join(place, 'child.cjs'), ...this.#dirs, String(round * 10_000)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      return await said(child);
    } finally {
      child.kill('SIGKILL');
    }
  }

  hear(lines: readonly string[]): void {
    for (const line of lines) {
      const [verb = '', at = '', ...rest] = line.split(' ');
      const folder = Number(at);
      expect(verb, line).not.toBe('failed');
      if (verb === 'appending') this.#perhaps.add(rest[0] ?? '');
      if (verb === 'appended') this.#is(rest[0] ?? '', folder, Number(rest[1]));
      if (verb === 'expunging' || verb === 'moving')
        for (const uid of rest) this.#perhaps.add(this.#textOf(folder, Number(uid)));
      if (verb === 'expunged')
        for (const uid of rest) {
          const text = this.#textOf(folder, Number(uid));
          this.#present.delete(text);
          this.#perhaps.delete(text);
        }
      if (verb === 'moved')
        this.#is(this.#textOf(folder, Number(rest[0])), 1 - folder, Number(rest[1]));
    }
  }

  async check(): Promise<void> {
    const found = new Map<string, { at: number; uid: number }>();
    for (const [at, dir] of this.#dirs.entries()) {
      const { folder } = await openTest({ dir });
      for (const { uid } of folder.messages) {
        const text = await textIn(folder, uid);
        expect(found.has(text), `${text} is there twice`).toBe(false);
        found.set(text, { at, uid });
        expect(this.#meant.get(`${at} ${uid}`) ?? text).toBe(text);
        this.#meant.set(`${at} ${uid}`, text);
      }
    }
    for (const [text, { at, uid }] of this.#present) {
      if (!this.#perhaps.has(text)) expect(found.get(text), text).toEqual({ at, uid });
    }
    for (const text of found.keys())
      expect(this.#present.has(text) || this.#perhaps.has(text), text).toBe(true);
    // What was begun and not answered is as it is now.
    this.#perhaps.clear();
    this.#present.clear();
    for (const [text, where] of found) this.#present.set(text, where);
  }

  #is(text: string, at: number, uid: number): void {
    this.#present.set(text, { at, uid });
    this.#perhaps.delete(text);
    expect(this.#meant.get(`${at} ${uid}`) ?? text).toBe(text);
    this.#meant.set(`${at} ${uid}`, text);
  }

  #textOf(at: number, uid: number): string {
    const text = this.#meant.get(`${at} ${uid}`);
    if (text === undefined) throw new Error(`nobody said what ${uid} is`);
    return text;
  }
}

/** Kills it some time after it has begun; gives the whole lines of what it said until then. */
async function said(child: ChildProcess): Promise<string[]> {
  let text = '';
  const lines = 1 + Math.floor(Math.random() * 60);
  child.stdout?.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    // In the middle of something: after so many lines, and a little more.
    if (text.split('\n').length > lines) setTimeout(() => child.kill('SIGKILL'), Math.random() * 3);
  });
  await new Promise((resolve) => child.once('close', resolve));
  return text.split('\n').slice(0, -1);
}

async function textIn(folder: Folder, uid: number): Promise<string> {
  const message = folder.find(uid);
  const opened = message && (await folder.open(message));
  if (opened === undefined) throw new Error('a message without a file');
  const text = readFileSync(opened.fd, 'latin1');
  closeSync(opened.fd);
  return text;
}
