import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { courierUids, parseCourierList } from './courier-uids.ts';
import { openMailbox } from './mailbox.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'courier-'));
  for (const sub of ['tmp', 'new', 'cur']) mkdirSync(join(dir, sub));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** As Courier 5 writes it. */
const LIST = `/3 3 1795335115
1795335117.M584022P55V00I12_0.vm,S=25:2,S 27 1:1795335115:0
1795335118.M584022P55V00I13_0.vm,S=25:2, 27 2:1795335115:0
`;
const put = (text: string) => writeFileSync(join(dir, 'courierpop3dsizelist'), text, 'latin1');

test('messages that Courier has shown keep its unique-ids, whatever became of their flags; later ones have their names', async () => {
  put(LIST);
  for (const name of [
    'cur/1795335117.M584022P55V00I12_0.vm,S=25:2,RS',
    'new/1795335118.M584022P55V00I13_0.vm,S=25',
    'new/1795335119.later.vm,S=25',
  ])
    writeFileSync(join(dir, name), 'x');
  const mailbox = await openMailbox(dir);
  expect([1, 2, 3].map((number) => mailbox.message(number)?.uid)).toEqual([
    'UID1-1795335115',
    'UID2-1795335115',
    '1795335119.later.vm,S=25',
  ]);
});

test('a list of the version before has no last field, and one without validity gives short ids', () => {
  expect([...parseCourierList('/2 9 7\na b:2, 27 1:7\nc 5 8:0\n')]).toEqual([
    ['a b', 'UID1-7'],
    ['c', 'UID8'],
  ]);
});

test('no unique-id is given twice, and what is no line is passed over', () => {
  const text = '/3 9 7\na 1 1:7:0\nb 1 1:7:0\na 1 2:7:0\n\nx\nd 1 x:7:0\ne 1 3:7:0';
  expect([...parseCourierList(text)]).toEqual([
    ['a', 'UID1-7'],
    ['e', 'UID3-7'],
  ]);
});

test('what is no list gives none', async () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseCourierList(text).size).toBe(0);
    }),
  );
  expect((await courierUids(dir)).size).toBe(0);
  symlinkSync('/etc/passwd', join(dir, 'courierpop3dsizelist'));
  expect((await courierUids(dir)).size).toBe(0);
});
