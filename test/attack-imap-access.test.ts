// What somebody who has logged in may write into access lists, and what of others he gets at; against the running service.
// Each is answered, the lists stay as they were told, the session goes on, another one is served meanwhile, and nothing is
// held. Row J14 of the list of attacks, section C.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Attack, AttackedHost, THREE } from './lib/imap/attack.ts';

let attacked: AttackedHost;

beforeAll(async () => {
  attacked = await AttackedHost.start();
  attacked.fill('Three', THREE);
  attacked.fill('Empty', {});
});
afterAll(() => attacked.remove());
afterEach(() => attacked.goesOn());

const ACLS: readonly Attack[] = [
  {
    row: 'J14',
    what: 'a line end in a right',
    send: 'SETACL Three ben {4+}\r\nlrx\n',
    answer: /^t BAD /,
  },
  {
    row: 'J14',
    what: 'a line end in a name',
    send: 'SETACL Three {9+}\r\nben\nx lrs lr',
    answer: /^t BAD /,
  },
  { row: 'J14', what: 'a TAB in a name', send: 'SETACL Three "b\ten" lr', answer: /^t BAD / },
  {
    row: 'J14',
    what: 'the owner locked out',
    send: 'SETACL Three -owner a',
    answer: /^t NO \[CANNOT\]/,
  },
  {
    row: 'J14',
    what: 'everybody locked out',
    send: 'SETACL Three -anyone la',
    answer: /^t NO \[CANNOT\]/,
  },
  {
    row: 'J14',
    what: 'the administrators, whom no list locks out',
    send: 'SETACL Three -group=administrators la',
    answer: /^t OK/,
  },
  { row: 'J14', what: 'a right that is none', send: 'SETACL Three ben lrz', answer: /^t BAD / },
  {
    row: 'J14',
    what: 'a long name',
    send: `SETACL Three ${'b'.repeat(5000)} l`,
    answer: /^t (?:BAD|NO) .{1,100}\r\n$/,
  },
  {
    row: 'J14',
    what: 'somebody’s shared folder',
    send: 'SELECT #shared/x',
    answer: /^(?:\* OK \[CLOSED\].*\r\n)?t NO \[NONEXISTENT\]/,
  },
  { row: 'J14', what: 'rights on it', send: 'GETACL #shared/x', answer: /^t NO \[NONEXISTENT\]/ },
];

describe('access lists', () => {
  test.each(ACLS)('$row: $what', async (attack) => {
    const before = await attacked.answer('GETACL Three');
    await attacked.withstands(attack);
    expect(await attacked.answer('GETACL Three')).toBe(before);
  });

  test('J14: many entries end somewhere, and the list is as it was told', async () => {
    const talk = await attacked.logIn();
    talk.sendRaw(
      Array.from(
        { length: 280 },
        (_, i) => `q${i} SETACL Empty user=${'u'.repeat(240)}${i} lr\r\n`,
      ).join(''),
    );
    const got = await talk.until(/^q279 .*\r\n/m);
    expect(got.match(/^q[0-9]+ (?:OK|NO \[(?:LIMIT|CANNOT)\])/gm)).toHaveLength(280);
    const kept = got.match(/^q[0-9]+ OK/gm)?.length ?? 0;
    expect((await attacked.answer('GETACL Empty')).match(/ u{240}[0-9]+ lr/g)).toHaveLength(kept);
    talk.destroy();
    attacked.staysSmall();
  });

  test('J14: who has been given everything of INBOX still finds nothing else', async () => {
    expect(await attacked.answer(`SETACL INBOX anyone +rwa`)).toMatch(/^t (?:OK|NO)/);
    const ben = await attacked.logIn('ben');
    for (const name of ['#shared/ann/Three', '#user/ann/Three', 'ann/Three', '../ann/.Three'])
      expect(await ben.say(`s SELECT "${name}"\n`, 's')).toMatch(/^s (?:NO|BAD) /);
    ben.destroy();
    expect(await attacked.answer('DELETEACL INBOX anyone')).toMatch(/^t OK/);
  });
});
