import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { bytesOf } from '@q/bytes';
import { encodeCdb, openCdb } from '@q/cdb';
import { Permanent, Temporary } from '@q/fault';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeRecord, openTable, UNLIMITED, updateTable, type VirtualUser } from './index.ts';

let scripts: string;
let home: string;
let path: string;
beforeAll(() => {
  scripts = mkdtempSync(join(tmpdir(), 'vtable-scripts-'));
});
afterAll(() => rmSync(scripts, { recursive: true }));
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'vtable-'));
  path = join(home, 'passwd.cdb');
});
afterEach(() => rmSync(home, { recursive: true }));

function someone(personal = ''): VirtualUser {
  return {
    password: '*',
    directory: './users/x',
    forwards: [],
    personal,
    hardQuota: UNLIMITED,
    softQuota: UNLIMITED,
    messageSize: UNLIMITED,
    messageCount: UNLIMITED,
    created: 1,
    expiry: UNLIMITED,
    hasMailbox: true,
    mailboxEnabled: true,
  };
}

function contents(): [string, string][] {
  const table = openTable(path);
  try {
    return [...table.users()].map(([name, user]) => [name, user.personal]);
  } finally {
    table.close();
  }
}

describe('a table', () => {
  test('that does not exist is empty', () => {
    const table = openTable(path);
    expect(table.get('me')).toBeUndefined();
    expect(table.has('me')).toBe(false);
    expect([...table.users()]).toEqual([]);
    table.close();
  });

  test('finds its users in any case of A-Z', async () => {
    await updateTable(path, (draft) => draft.set('John.Doe', someone('j')));
    const table = openTable(path);
    expect(table.get('JOHN.doe')?.personal).toBe('j');
    expect(contents()).toEqual([['john.doe', 'j']]);
    table.close();
  });

  test('names the user whose record is unreadable, and still finds the others', () => {
    writeFileSync(
      path,
      encodeCdb([
        ['bad', '\x02\x77'],
        ['good', encodeRecord(someone('g'))],
      ]),
    );
    const table = openTable(path);
    expect(() => table.get('bad')).toThrow(/^user bad: unreadable virtual user record: /);
    expect(() => table.get('bad')).toThrow(Temporary);
    expect(table.has('bad')).toBe(true);
    expect(table.get('good')?.personal).toBe('g');
    table.close();
  });

  test('that is damaged is a temporary trouble, not an empty table', async () => {
    writeFileSync(path, 'not a cdb');
    expect(() => openTable(path)).toThrow(Temporary);
    await expect(updateTable(path, (draft) => draft.set('a', someone()))).rejects.toThrow(
      Temporary,
    );
    expect(readFileSync(path, 'latin1')).toBe('not a cdb');
  });

  const signed = (key: Buffer) => {
    let hash = 5381;
    for (const byte of key) hash = (Math.imul(hash, 33) ^ (byte > 127 ? byte - 256 : byte)) >>> 0;
    return hash;
  };

  test('holds a name with 8-bit bytes for readers of both hashes, and finds it under either', async () => {
    const name = 'j\xf6rg';
    const key = bytesOf(name);
    await updateTable(path, (draft) => draft.set(name, someone('x')));
    const cdb = openCdb(path);
    expect(cdb?.get(key)).toBeDefined();
    expect(cdb?.get(key, 0, signed(key))).toBeDefined();
    expect([...(cdb?.entries() ?? [])].length).toBe(1);
    cdb?.close();
    expect(contents()).toEqual([[name, 'x']]);
    // A table as VMailMgr writes it: the signed hash only.
    const image = encodeCdb([[key, encodeRecord(someone('old'))]]);
    const proper = openedHash(image);
    moveSlot(image, proper, signed(key));
    writeFileSync(path, image);
    const old = openTable(path);
    expect(old.get(name)?.personal).toBe('old');
    old.close();
  });

  /** The hash of the only entry of a cdb. */
  function openedHash(image: Buffer): number {
    for (let table = 0; table < 256; table++)
      if (image.readUInt32LE(table * 8 + 4) > 0) {
        const at = image.readUInt32LE(table * 8);
        for (const slot of [at, at + 8])
          if (image.readUInt32LE(slot + 4) !== 0) return image.readUInt32LE(slot);
      }
    throw new Error('no entry');
  }

  /** Enters the only record of a cdb under another hash. */
  function moveSlot(image: Buffer, from: number, to: number): void {
    const at = image.readUInt32LE((from & 255) * 8);
    image.writeBigUInt64LE(0n, (from & 255) * 8);
    image.fill(0, at, at + 16);
    image.writeUInt32LE(at, (to & 255) * 8);
    image.writeUInt32LE(2, (to & 255) * 8 + 4);
    image.writeUInt32LE(to, at + ((to >>> 8) % 2) * 8);
    image.writeUInt32LE(2048, at + ((to >>> 8) % 2) * 8 + 4);
  }
});

describe('an update', () => {
  test('makes many changes with one new file, keeps the order, and returns what was asked', async () => {
    await updateTable(path, (draft) => {
      for (const name of ['a', 'b', 'c']) draft.set(name, someone('old'));
    });
    const before = statSync(path).ino;
    const seen = await updateTable(path, (draft) => {
      draft.set('d', someone('new'));
      draft.set('B', someone('new'));
      expect(draft.delete('A')).toBe(true);
      expect(draft.delete('a')).toBe(false);
      expect(draft.has('a')).toBe(false);
      expect(draft.get('a')).toBeUndefined();
      expect(draft.get('b')?.personal).toBe('new');
      expect(draft.get('c')?.personal).toBe('old');
      return draft.names();
    });
    expect(seen).toEqual(['b', 'c', 'd']);
    expect(contents()).toEqual([
      ['b', 'new'],
      ['c', 'old'],
      ['d', 'new'],
    ]);
    expect(statSync(path).ino).not.toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(home).sort()).toEqual(['passwd.cdb', 'passwd.cdb.lock']);
  });

  test('is the same as doing it to a map, whatever the changes', async () => {
    const name = fc.constantFrom('a', 'B', 'b', 'c', '\xe4', '+');
    const step = fc.record({ name, value: fc.option(fc.nat(99), { nil: undefined }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 4 }),
        async (rounds) => {
          rmSync(path, { force: true });
          const model = new Map<string, string>();
          for (const round of rounds) {
            await updateTable(path, (draft) => {
              for (const { name, value } of round) {
                if (value === undefined) draft.delete(name);
                else draft.set(name, someone(String(value)));
              }
            });
            for (const { name, value } of round) {
              const key = name === 'B' ? 'b' : name;
              if (value === undefined) model.delete(key);
              else model.set(key, String(value));
            }
            expect(new Map(contents())).toEqual(model);
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  test('that changes nothing writes nothing', async () => {
    await updateTable(path, (draft) => draft.set('a', someone()));
    const before = statSync(path);
    expect(await updateTable(path, (draft) => draft.has('a'))).toBe(true);
    expect(statSync(path).ino).toBe(before.ino);
  });

  test('that fails leaves the table as it was, and no lock', async () => {
    await updateTable(path, (draft) => draft.set('a', someone('old')));
    const fails = updateTable(path, (draft) => {
      draft.set('a', someone('new'));
      throw new Permanent('changed my mind');
    });
    await expect(fails).rejects.toThrow('changed my mind');
    await expect(updateTable(path, (draft) => draft.set('a', someone('NUL \0')))).rejects.toThrow(
      Permanent,
    );
    expect(contents()).toEqual([['a', 'old']]);
    expect(readdirSync(home).sort()).toEqual(['passwd.cdb', 'passwd.cdb.lock']);
  });

  test('copies records it does not understand byte for byte, and drops what can never be found', async () => {
    writeFileSync(
      path,
      encodeCdb([
        ['odd', '\x07future'],
        ['text', ':h:./x'],
        ['twice', encodeRecord(someone('first'))],
        ['twice', encodeRecord(someone('second'))],
      ]),
    );
    await updateTable(path, (draft) => {
      expect(draft.has('odd')).toBe(true);
      expect(() => draft.get('odd')).toThrow(Temporary);
      draft.delete('twice');
      draft.set('z', someone());
    });
    const table = openTable(path);
    const records = [...table.records()].map(([key, record]) => [`${key}`, record]);
    expect(records.map(([key]) => key)).toEqual(['odd', 'text', 'z']);
    expect(records[0]?.[1]).toEqual(Buffer.from('\x07future'));
    expect(records[1]?.[1]).toEqual(Buffer.from(':h:./x'));
    table.close();
  });

  test('keeps the group’s right to read, and gives nobody a right to write', async () => {
    await updateTable(path, (draft) => draft.set('a', someone()));
    chmodSync(path, 0o664);
    await updateTable(path, (draft) => draft.set('b', someone()));
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test.runIf(process.getuid?.() === 0)(
    'keeps the group that may read (needs root to give a file to another group)',
    async () => {
      await updateTable(path, (draft) => draft.set('a', someone()));
      chownSync(path, 0, 8);
      chmodSync(path, 0o640);
      await updateTable(path, (draft) => draft.set('b', someone()));
      expect(statSync(path)).toMatchObject({ gid: 8 });
    },
  );

  test.runIf(process.getuid?.() === 0)(
    'is refused to root in the home of another (needs root to be refused)',
    async () => {
      chownSync(home, 4242, 4242);
      await expect(updateTable(path, (draft) => draft.set('a', someone()))).rejects.toThrow(
        'not as root',
      );
      expect(readdirSync(home)).toEqual([]);
    },
  );

  test('follows no link that stands where its lock should be', async () => {
    symlinkSync(join(home, 'victim'), `${path}.lock`);
    await expect(updateTable(path, (draft) => draft.set('a', someone()))).rejects.toThrow(
      Permanent,
    );
    expect(existsSync(join(home, 'victim'))).toBe(false);
  });

  test('in a home that is gone is a fault', async () => {
    await expect(updateTable(join(home, 'no/passwd.cdb'), () => 1)).rejects.toThrow(Permanent);
  });
});

describe('writers side by side', () => {
  let worker: string;
  beforeAll(async () => {
    worker = await bundle(
      'worker',
      `import { updateTable } from './index.ts';
       const [path, tag, count, mode] = process.argv.slice(2);
       const user = ${JSON.stringify({ ...someone(), hardQuota: 0, softQuota: 0, messageSize: 0, messageCount: 0, expiry: 0 })};
       (async () => {
         for (let i = 0; i < Number(count); i++) {
           await updateTable(path, async (draft) => {
             draft.set(tag + i, user);
             const total = draft.get('total');
             draft.set('total', { ...user, messageCount: (total?.messageCount ?? 0) + 1 });
             if (mode === 'hang') {
               console.log('inside');
               await new Promise((resolve) => setTimeout(resolve, 3600_000));
             }
           });
           console.log(tag + i);
         }
       })();`,
    );
  });

  test('ten processes and this one change a table at once: all succeed and nothing is lost', async () => {
    const children = Array.from({ length: 10 }, (_, i) => startWorker(path, `w${i}-`, 4));
    const own = Promise.all(
      Array.from({ length: 10 }, (_, i) => updateTable(path, (d) => d.set(`own${i}`, someone()))),
    );
    const codes = await Promise.all(children.map((child) => child.ended));
    await own;
    expect(codes).toEqual(Array.from({ length: 10 }, () => 0));
    const table = openTable(path);
    const names = [...table.users()].map(([name]) => name);
    const expected = Array.from({ length: 10 }, (_, w) => [0, 1, 2, 3].map((i) => `w${w}-${i}`));
    expect(new Set(names)).toEqual(
      new Set(['total', ...expected.flat(), ...Array.from({ length: 10 }, (_, i) => `own${i}`)]),
    );
    // A counter read and written under the lock shows a lost update even where names do not collide.
    expect(table.get('total')?.messageCount).toBe(40);
    table.close();
    expect(readdirSync(home).sort()).toEqual(['passwd.cdb', 'passwd.cdb.lock']);
  });

  test('what was acknowledged survives kill -9 at any moment, and the next update goes through at once', async () => {
    const acknowledged = new Set<string>();
    for (let round = 0; round < 6; round++) {
      const child = startWorker(path, `r${round}-`, 1000);
      for await (const line of child.lines) {
        acknowledged.add(line);
        if (acknowledged.size >= (round + 1) * 3) break;
      }
      child.process.kill('SIGKILL');
      await child.ended;
      await updateTable(path, (draft) => draft.set(`after${round}`, someone()), { wait: 5000 });
      acknowledged.add(`after${round}`);
      const names = new Set(contents().map(([name]) => name));
      for (const name of acknowledged) expect(names).toContain(name);
    }
  });

  test('a writer killed in the middle leaves a file that the next removes without waiting', async () => {
    await updateTable(path, (draft) => draft.set('a', someone('kept')));
    const child = startWorker(path, 'never', 1, 'hang');
    const { value } = await child.lines[Symbol.asyncIterator]().next();
    expect(value).toBe('inside');
    expect(existsSync(`${path}.tmp`)).toBe(true);
    await expect(updateTable(path, () => 0, { wait: 60 })).rejects.toThrow(
      'the password table is being changed by another program',
    );
    child.process.kill('SIGKILL');
    await child.ended;
    expect(existsSync(`${path}.tmp`)).toBe(true);
    await updateTable(path, (draft) => draft.set('b', someone()), { wait: 5000 });
    expect(contents().map(([name]) => name)).toEqual(['a', 'b']);
    expect(readdirSync(home).sort()).toEqual(['passwd.cdb', 'passwd.cdb.lock']);
  });

  test('a VMailMgr writer at work is waited for, and both changes are there afterwards', async () => {
    await updateTable(path, (draft) => draft.set('a', someone()));
    const foreign = startForeign(path);
    expect(await foreign.next()).toBe('locked');
    const update = updateTable(path, (draft) => draft.set('ours', someone()));
    foreign.proceed(encodeCdb([['theirs', encodeRecord(someone())]]));
    expect(await foreign.next()).toBe('renamed');
    await update;
    expect(contents().map(([name]) => name)).toEqual(['theirs', 'ours']);
  });

  test('a VMailMgr writer that never ends is not waited for beyond the limit, and not disturbed', async () => {
    writeFileSync(`${path}.tmp`, 'half a table');
    const update = updateTable(path, (draft) => draft.set('a', someone()), { wait: 100 });
    await expect(update).rejects.toThrow(Temporary);
    expect(readFileSync(`${path}.tmp`, 'latin1')).toBe('half a table');
    expect(existsSync(path)).toBe(false);
  });

  test('a VMailMgr writer finds our lock taken', async () => {
    await updateTable(path, () => {
      const flags = { flag: 'wx' } as const;
      expect(() => writeFileSync(`${path}.tmp`, 'theirs', flags)).toThrow('EEXIST');
    });
  });

  test('a leftover of VMailMgr is replaced once it is old', async () => {
    await updateTable(path, (draft) => draft.set('a', someone()));
    writeFileSync(`${path}.tmp`, 'half a table');
    const old = Date.now() / 1000 - 301;
    utimesSync(`${path}.tmp`, old, old);
    await updateTable(path, (draft) => draft.set('b', someone()), { wait: 1000 });
    expect(contents().map(([name]) => name)).toEqual(['a', 'b']);
    expect(readdirSync(home).sort()).toEqual(['passwd.cdb', 'passwd.cdb.lock']);
  });

  test('a VMailMgr writer that wakes after its lock was taken for stale cannot harm the new table', async () => {
    await updateTable(path, (draft) => draft.set('a', someone()));
    const foreign = startForeign(path);
    expect(await foreign.next()).toBe('locked');
    const old = Date.now() / 1000 - 301;
    utimesSync(`${path}.tmp`, old, old);
    await updateTable(path, async (draft) => {
      draft.set('b', someone());
      // It writes to the file that was retired and renames ours, which is empty as yet.
      foreign.proceed(Buffer.from('too late'));
      expect(await foreign.next()).toBe('renamed');
    });
    expect(contents().map(([name]) => name)).toEqual(['a', 'b']);
    expect(readdirSync(home).sort()).toEqual(['passwd.cdb', 'passwd.cdb.lock']);
  });

  /** A writer that knows VMailMgr's lock only, and does its steps when told. */
  function startForeign(table: string) {
    const script = `
      const fs = require('node:fs');
      const fd = fs.openSync(${JSON.stringify(`${table}.tmp`)}, 'wx', 0o600);
      console.log('locked');
      const bytes = [];
      process.stdin.on('data', (b) => bytes.push(b)).on('end', () => {
        fs.writeSync(fd, Buffer.concat(bytes));
        fs.closeSync(fd);
        fs.renameSync(${JSON.stringify(`${table}.tmp`)}, ${JSON.stringify(table)});
        console.log('renamed');
      });`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return {
      next: async () => (await lines.next()).value,
      proceed: (bytes: Buffer) => void child.stdin.end(bytes),
    };
  }

  function startWorker(table: string, tag: string, count: number, mode = '') {
    const child = spawn(process.execPath, [worker, table, tag, String(count), mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return {
      process: child,
      ended: once(child, 'exit').then(([code]) => code as number | null),
      lines: createInterface(child.stdout),
    };
  }
});

describe('what others see', () => {
  test('tinycdb reads our table (skipped where tinycdb is not installed)', async ({ skip }) => {
    if (!hasTinycdb()) skip();
    await updateTable(path, (draft) => {
      draft.set('me', someone('p'));
      draft.set('j\xf6rg', someone('q'));
    });
    expect(execFileSync('cdb', ['-q', path, 'me'])).toEqual(encodeRecord(someone('p')));
    expect(execFileSync('cdb', ['-l', path]).toString('latin1')).toBe('+2:me\n+4:j\xf6rg\n\n');
  });

  test('a reader that has the table open sees the old one until it opens it again', async () => {
    await updateTable(path, (draft) => draft.set('a', someone('old')));
    const table = openTable(path);
    await updateTable(path, (draft) => draft.set('a', someone('new')));
    expect(table.get('a')?.personal).toBe('old');
    table.close();
    expect(contents()).toEqual([['a', 'new']]);
  });
});

function hasTinycdb(): boolean {
  try {
    execFileSync('cdb', ['-h'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A script of its own process that may use this package. Native modules are found from bin/. */
async function bundle(name: string, source: string): Promise<string> {
  const outfile = join(scripts, `${name}.cjs`);
  mkdirSync(scripts, { recursive: true });
  const bin = resolve(import.meta.dirname, '../../../../bin/package.json');
  await build({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile,
    external: ['koffi', 'fs-ext'],
    define: { 'import.meta.url': '__url' },
    banner: { js: `const __url = ${JSON.stringify(pathToFileURL(bin).href)};` },
  });
  return outfile;
}
