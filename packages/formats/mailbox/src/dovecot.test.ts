import { expect, test } from 'vitest';
import { FLAG } from './index.ts';
import { makeTestMaildir, openTest } from './testing/maildir.ts';

const V3 =
  '3 V1795335115 N40 G0102030405060708090a0b0c0d0e0f10\n' +
  '7 :1.a\n' +
  '12 W27 S25 Ppop-id O3 G00112233445566778899aabbccddeeff :2.b,S=25,W=27\n' +
  '39 :gone\n';

test('the UIDs, UIDVALIDITY and keywords of Dovecot are taken over once', async () => {
  const maildir = makeTestMaildir();
  for (const name of ['1.a:2,Sac', '2.b,S=25,W=27:2,b', '3.c:2,z']) maildir.put(`cur/${name}`);
  maildir.write('dovecot-uidlist', V3);
  maildir.write('dovecot-keywords', '0 Work\n1 $Forwarded\n2 later\nx\n27 never\n');
  const { folder } = await openTest(maildir);
  expect([folder.uidValidity, folder.uidNext]).toEqual([1_795_335_115, 41]);
  expect(folder.messages).toMatchObject([
    { uid: 7, base: '1.a', flags: FLAG.seen, keywords: ['Work', 'later'] },
    { uid: 12, base: '2.b,S=25,W=27', flags: 0, keywords: ['$Forwarded'] },
    { uid: 40, base: '3.c', flags: 0, keywords: [] },
  ]);
  expect(maildir.text('courierimapuiddb')).toBe(
    '1 1795335115 41\n7 1.a\n12 2.b,S=25,W=27\n40 3.c\n',
  );
  // From now on ours is the truth; the letters stay.
  maildir.write('dovecot-uidlist', V3.replace('7 :1.a', '8 :1.a'));
  await folder.store(folder.messages, { change: 'replace', flags: FLAG.flagged, keywords: [] });
  expect(maildir.names('cur')).toEqual(['1.a:2,Fac', '2.b,S=25,W=27:2,Fb', '3.c:2,Fz']);
  const { folder: again } = await openTest(maildir);
  expect(again.messages).toMatchObject([
    { uid: 7, keywords: [] },
    { uid: 12, keywords: [] },
    { uid: 40, keywords: [] },
  ]);
});

test('a list of version 1 is taken over as well', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  maildir.write('dovecot-uidlist', '1 700000000 9\n3 0.gone\n8 1.a:2,S\n');
  const { folder } = await openTest(maildir);
  expect(maildir.text('courierimapuiddb')).toBe('1 700000000 9\n8 1.a\n');
  expect(folder.messages).toMatchObject([{ uid: 8 }]);
});

test.each(['', '3 V0 N1\n', '3 N5\n7 :1.a\n', '9 V1 N1\n', '3 V1 N99999999999\n', '\0'])(
  'a list that begins with %j is not believed',
  async (text) => {
    const maildir = makeTestMaildir();
    maildir.put('cur/1.a:2,');
    maildir.write('dovecot-uidlist', text);
    const { folder } = await openTest(maildir);
    expect(folder.messages).toMatchObject([{ uid: 1 }]);
  },
);
