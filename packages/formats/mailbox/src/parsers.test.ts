// The readers of courierimapuiddb, courierimapkeywords and dovecot-uidlist take anything, and what we write comes back.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDovecotUids } from './dovecot.ts';
import { parseKeywordList } from './keyword-files.ts';
import { FLAG } from './model.ts';
import { endingOf, endingWith, freshName, numberBefore, sizeIn } from './name.ts';
import { makeTestMaildir } from './testing/maildir.ts';
import { parseUids, readUids, writeUids } from './uiddb.ts';

const piece = fc.constantFrom('1', ' ', '\n', ':', '4294967295', 'V7', ' N', '3', 'a.b', '\0', '-');
const garbage = fc.oneof(
  fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
  fc.string({ maxLength: 60, unit: 'binary' }),
);

test('no text is too strange, and no UID is there twice or beyond the next', async () => {
  await fc.assert(
    fc.asyncProperty(garbage, async (text) => {
      for (const list of [
        await parseUids(`1 7 9\n${text}`),
        await parseUids(text),
        await parseDovecotUids(`3 V7 N9\n${text}`),
        await parseDovecotUids(`1 7 9\n${text}`),
        await parseDovecotUids(text),
      ]) {
        const uids = [...(list?.uids.values() ?? [])];
        expect(new Set(uids).size).toBe(uids.length);
        for (const uid of uids) expect(uid).toBeLessThan(list?.next ?? 0);
        for (const base of list?.uids.keys() ?? []) expect(base).toMatch(/^[^:\n]+$/);
      }
      const keywords = new Map<string, readonly string[]>();
      await parseKeywordList(`A\nB\n\n${text}`, keywords);
      await parseKeywordList(text, keywords);
    }),
  );
});

test('what is written is read again, cut off anywhere it is a part of that', async () => {
  const maildir = makeTestMaildir();
  const messages = [3, 8, 1000].map((uid) => ({ uid, base: `${uid}.x\xe9 y,S=5` }));
  await writeUids(maildir.dir, { validity: 77, above: 0, next: 1001 }, messages, 0o600);
  const text = maildir.text('courierimapuiddb') ?? '';
  const whole = await readUids(maildir.dir, () => {});
  expect(whole).toMatchObject({ validity: 77, next: 1001, broken: false });
  for (let length = 0; length < text.length; length++) {
    const part = await parseUids(text.slice(0, length));
    for (const [base, uid] of part?.uids ?? []) expect(whole?.uids.get(base)).toBe(uid);
  }
});

test('flags are letters in their order; letters that are none stay', () => {
  const all = Object.values(FLAG).reduce((one, other) => one | other, 0);
  expect(endingWith(all, endingOf(':2,')).text).toBe(':2,DFPRST');
  expect(endingOf(':2,TSRPFD').flags).toBe(all);
  expect(endingOf(':1,S').flags).toBe(0);
  expect(endingOf('').flags).toBe(0);
  expect(endingWith(FLAG.seen, endingOf(':2,zaFS\x00Q')).text).toBe(':2,QSaz');
  expect(endingWith(0, endingOf(':1,S')).text).toBe(':2,');
  expect(endingOf(':2,S')).toBe(endingOf(':2,S'));
});

test('sizes and numbers in names are believed when they can be', () => {
  expect(sizeIn('1.a,S=25,W=27')).toBe(25);
  for (const name of ['1.a', '1.a,S=', '1.a,S=-1', '1.a,S=9999999999999999', '1.a,S=5x'])
    expect(sizeIn(name)).toBeUndefined();
  expect([numberBefore('12.a'), numberBefore('a'), numberBefore('')]).toEqual([12, 0, 0]);
  const names = Array.from({ length: 100 }, () => freshName().tmp);
  expect(new Set(names).size).toBe(100);
});
