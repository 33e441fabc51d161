import { execFileSync } from 'node:child_process';
import {
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Permanent, Temporary } from '@q/fault';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  CdbEncoder,
  type CdbEntry,
  cdbHash,
  encodeCdb,
  HEADER_SIZE,
  openCdb,
  writeCdb,
} from './index.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cdb-'));
  file = join(dir, 'x.cdb');
});
afterEach(() => rmSync(dir, { recursive: true }));

function opened(path = file) {
  const cdb = openCdb(path);
  if (cdb === undefined) throw new Error('no cdb there');
  return cdb;
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((raw) => Buffer.from(raw));
const records = fc.array(fc.tuple(bytes, bytes), { maxLength: 60 });

/** What `cdb -c` reads and `cdb -d` prints: +klen,dlen:key->data LF ... LF. */
function dumpOf(entries: [Buffer, Buffer][]): Buffer {
  const lines = entries.flatMap(([key, data]) => [
    Buffer.from(`+${key.length},${data.length}:`),
    key,
    Buffer.from('->'),
    data,
    Buffer.from('\n'),
  ]);
  return Buffer.concat([...lines, Buffer.from('\n')]);
}

test('the hash is the one everybody computes', () => {
  expect(cdbHash(Buffer.from(''))).toBe(5381);
  expect(cdbHash(Buffer.from('a'))).toBe(177604);
  expect(cdbHash(Buffer.from([0xff]))).toBe(((5381 * 33) ^ 0xff) >>> 0);
});

test('the example in the format description is true', () => {
  const image = encodeCdb([['me', 'x']]);
  expect(image.subarray(2048, 2059)).toEqual(Buffer.from('02000000010000006d6578', 'hex'));
  expect(image.length).toBe(2059 + 16);
  const table = cdbHash(Buffer.from('me')) & 0xff;
  expect(image.readUInt32LE(table * 8)).toBe(2059);
  expect(image.readUInt32LE(table * 8 + 4)).toBe(2);
});

test('what is written is found again, equal keys in their order, and nothing else is', async () => {
  await fc.assert(
    fc.asyncProperty(records, bytes, async (entries, other) => {
      await writeCdb(file, entries, { mode: 0o644 });
      const cdb = opened();
      try {
        expect([...cdb.entries()]).toEqual(entries);
        for (const [key] of entries) {
          const all = entries.filter((entry) => entry[0].equals(key)).map((entry) => entry[1]);
          expect(all.map((_, nth) => cdb.get(key, nth))).toEqual(all);
          expect(cdb.get(key, all.length)).toBeUndefined();
        }
        if (!entries.some(([key]) => key.equals(other))) expect(cdb.get(other)).toBeUndefined();
      } finally {
        cdb.close();
      }
    }),
    { numRuns: 40 },
  );
});

test('records larger than a block and larger than the write buffer come back whole', async () => {
  const big = Buffer.alloc(700_001, 'ab');
  await writeCdb(
    file,
    [
      ['small', 's'],
      ['big', big],
      ['after', 'z'],
    ],
    { mode: 0o644 },
  );
  const cdb = opened();
  expect(cdb.get('big')?.equals(big)).toBe(true);
  expect(cdb.get('after')?.toString()).toBe('z');
  expect([...cdb.entries()].map(([key]) => key.toString())).toEqual(['small', 'big', 'after']);
  cdb.close();
});

const tinycdb = hasTinycdb();

test.runIf(tinycdb)(
  'tinycdb reads what we write (skipped where tinycdb is not installed)',
  async () => {
    await fc.assert(
      fc.asyncProperty(records, async (entries) => {
        await writeCdb(file, entries, { mode: 0o644 });
        expect(execFileSync('cdb', ['-d', file])).toEqual(dumpOf(entries));
        const first = entries.find(([key]) => key.length > 0 && !key.includes(0));
        if (first === undefined) return;
        // The key travels through argv, so only one of plain letters can be asked for.
        if (!/^[!-,.-~][!-~]*$/.test(first[0].toString('latin1'))) return;
        expect(execFileSync('cdb', ['-q', file, first[0].toString('latin1')])).toEqual(first[1]);
      }),
      { numRuns: 15 },
    );
  },
);

test.runIf(tinycdb)('we read what tinycdb writes (skipped where tinycdb is not installed)', () => {
  fc.assert(
    fc.property(records, (entries) => {
      execFileSync('cdb', ['-c', '-t', `${file}.t`, file], { input: dumpOf(entries) });
      const cdb = opened();
      expect([...cdb.entries()]).toEqual(entries);
      for (const [key] of entries)
        expect(cdb.get(key)).toEqual(entries.find((entry) => entry[0].equals(key))?.[1]);
      cdb.close();
    }),
    { numRuns: 15 },
  );
});

test.runIf(tinycdb)(
  "our file is byte for byte tinycdb's (skipped where tinycdb is not installed)",
  () => {
    const entries = Array.from({ length: 500 }, (_, i): [Buffer, Buffer] => [
      Buffer.from(`key${i}`),
      Buffer.from(`data${i * i}`),
    ]);
    execFileSync('cdb', ['-c', '-t', `${file}.t`, file], { input: dumpOf(entries) });
    expect(encodeCdb(entries).equals(readFileSync(file))).toBe(true);
  },
);

test('a missing file is undefined; a directory, a FIFO and a short file are faults', () => {
  expect(openCdb(file)).toBeUndefined();
  mkdirSync(join(dir, 'd'));
  expect(() => openCdb(join(dir, 'd'))).toThrow(Temporary);
  execFileSync('mkfifo', [join(dir, 'fifo')]);
  expect(() => openCdb(join(dir, 'fifo'))).toThrow(Temporary);
  writeFileSync(file, Buffer.alloc(2047));
  expect(() => openCdb(file)).toThrow(/damaged/);
});

test('a damaged file gives an answer or a temporary fault, never a hang, a crash or a huge buffer', () => {
  const good = encodeCdb(Array.from({ length: 30 }, (_, i): CdbEntry => [`k${i}`, `d${i}`]));
  const damage = fc.oneof(
    fc.record({ at: fc.nat(good.length - 1), value: fc.nat(255) }).map(({ at, value }) => {
      const copy = Buffer.from(good);
      copy[at] = value;
      return copy;
    }),
    fc.nat(good.length).map((length) => Buffer.from(good.subarray(0, length))),
    fc
      .tuple(fc.nat(255), fc.nat(0xffffffff), fc.nat(0xffffffff))
      .map(([table, position, slots]) => {
        const copy = Buffer.from(good);
        copy.writeUInt32LE(position, table * 8);
        copy.writeUInt32LE(slots, table * 8 + 4);
        return copy;
      }),
    fc.uint8Array({ minLength: 2048, maxLength: 4000 }).map((raw) => Buffer.from(raw)),
  );
  fc.assert(
    fc.property(damage, (image) => {
      writeFileSync(file, image);
      try {
        const cdb = opened();
        try {
          for (let i = 0; i < 30; i++) cdb.get(`k${i}`);
          let total = 0;
          for (const [key, data] of cdb.entries()) total += key.length + data.length;
          expect(total).toBeLessThanOrEqual(image.length);
        } finally {
          cdb.close();
        }
      } catch (error) {
        expect(error).toBeInstanceOf(Temporary);
        expect((error as Error).message).toContain('damaged');
      }
    }),
    { numRuns: 300 },
  );
});

test('a table without a free slot ends the search after one round', () => {
  const image = encodeCdb([['me', 'x']]);
  const table = (cdbHash(Buffer.from('me')) & 0xff) * 8;
  const position = image.readUInt32LE(table);
  for (const slot of [0, 1]) {
    image.writeUInt32LE(cdbHash(Buffer.from('me')), position + slot * 8);
    image.writeUInt32LE(2048, position + slot * 8 + 4);
  }
  writeFileSync(file, image);
  const cdb = opened();
  expect(cdb.get('me', 1)?.toString()).toBe('x');
  expect(cdb.get('me', 2)).toBeUndefined();
  cdb.close();
});

test('records beyond 2 GiB are found: offsets are unsigned', () => {
  const encoder = new CdbEncoder();
  const fd = openSync(file, 'w');
  const hole = Buffer.alloc(0x4000_0000); // never touched, so never real memory
  for (const name of ['a', 'b', 'c']) encoder.add(Buffer.from(name), hole);
  const far = HEADER_SIZE + 3 * (8 + 1 + hole.length);
  writeSync(fd, Buffer.concat(encoder.add(Buffer.from('far'), Buffer.from('away'))), 0, null, far);
  writeSync(fd, Buffer.concat([...encoder.tables()]), 0, null, far + 8 + 7);
  writeSync(fd, encoder.header(), 0, HEADER_SIZE, 0);
  const cdb = opened();
  expect(far).toBeGreaterThan(2 ** 31);
  expect(cdb.get('far')?.toString()).toBe('away');
  cdb.close();
  ftruncateSync(fd, far + 20);
  const cut = opened();
  expect(() => cut.get('far')).toThrow(Temporary);
  cut.close();
});

test('a cdb that would pass 4 GiB is refused before it is written', () => {
  const encoder = new CdbEncoder();
  const huge = Buffer.alloc(0x4000_0000);
  for (const name of ['a', 'b', 'c']) encoder.add(Buffer.from(name), huge);
  expect(() => encoder.add(Buffer.from('d'), huge)).toThrow(Permanent);
});

test('a record can be entered under a second hash, for readers that compute another', () => {
  const encoder = new CdbEncoder();
  const key = Buffer.from('k');
  const pieces = encoder.add(key, Buffer.from('v'), [cdbHash(key), 12345]);
  const tables = [...encoder.tables()];
  writeFileSync(file, Buffer.concat([encoder.header(), ...pieces, ...tables]));
  const cdb = opened();
  expect(cdb.get('k')?.toString()).toBe('v');
  expect(cdb.get('k', 0, 12345)?.toString()).toBe('v');
  expect(cdb.get('k', 0, 54321)).toBeUndefined();
  cdb.close();
});

test('the file is replaced in one step with the mode asked for, and an open reader keeps the old one', async () => {
  await writeCdb(file, [['k', 'old']], { mode: 0o600 });
  const before = opened();
  expect(before.changed()).toBe(false);
  await writeCdb(file, [['k', 'new']], { mode: 0o644 });
  expect(before.get('k')?.toString()).toBe('old');
  expect(before.changed()).toBe(true);
  before.close();
  before.close();
  expect(statSync(file).mode & 0o777).toBe(0o644);
  expect(readdirSync(dir)).toEqual(['x.cdb']);
});

test('a writer that fails leaves the old file and no temporary one', async () => {
  await writeCdb(file, [['k', 'old']], { mode: 0o600 });
  async function* failing(): AsyncGenerator<CdbEntry> {
    yield ['a', 'b'];
    throw new Temporary('the source broke');
  }
  await expect(writeCdb(file, failing(), { mode: 0o600 })).rejects.toThrow('the source broke');
  expect(readdirSync(dir)).toEqual(['x.cdb']);
  expect(opened().get('k')?.toString()).toBe('old');
});

test('what a crashed writer left is taken over; a link in its place is not followed', async () => {
  writeFileSync(`${file}.tmp`, 'x'.repeat(100_000));
  await writeCdb(file, [['k', 'v']], { mode: 0o644 });
  expect(opened().get('k')?.toString()).toBe('v');
  symlinkSync(join(dir, 'victim'), `${file}.tmp`);
  await expect(writeCdb(file, [], { mode: 0o644 })).rejects.toThrow(Permanent);
  expect(existsSync(join(dir, 'victim'))).toBe(false);
});

test('writers of one path wait for each other, and each result is whole', async () => {
  const many = (tag: string) =>
    Array.from({ length: 2000 }, (_, i): CdbEntry => [`${tag}${i}`, tag.repeat(50)]);
  await Promise.all(['a', 'b', 'c', 'd'].map((tag) => writeCdb(file, many(tag), { mode: 0o644 })));
  const cdb = opened();
  const seen = [...cdb.entries()];
  expect(seen.length).toBe(2000);
  expect(new Set(seen.map(([, data]) => data.toString())).size).toBe(1);
  cdb.close();
  expect(readdirSync(dir)).toEqual(['x.cdb']);
});

function hasTinycdb(): boolean {
  try {
    execFileSync('cdb', ['-h'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
