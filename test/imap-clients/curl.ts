// curl: each step is a request of its own; several in one call share a connection.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { MaildirBox } from '../lib/maildir-box.ts';
import { installed, run } from '../lib/run.ts';
import { type Account, environment, holds, type ImapClient } from './model.ts';

export const curl: ImapClient = { there: installed('curl'), session };

async function session(account: Account, box: MaildirBox, dir: string): Promise<void> {
  const { port, user, password, encryption, certificate } = account;
  const url = `${encryption === 'TLS' ? 'imaps' : 'imap'}://localhost:${port}`;
  const tls = encryption === 'STARTTLS' ? ['--ssl-reqd'] : [];
  const login = ['-sS', '-m', '60', '--cacert', certificate, ...tls, '-u', `${user}:${password}`];
  /** Requests over one connection; what they gave. */
  const ask = async (...requests: readonly (readonly string[])[]): Promise<string> => {
    const words = requests.flatMap((request, n) => [
      ...(n === 0 ? [] : ['--next']),
      ...login,
      ...request,
    ]);
    const { code, out, err } = await run('curl', words, { env: environment(dir), cwd: dir });
    expect(`${code} ${err}`).toBe('0 ');
    return out.toString('latin1');
  };
  const command = (path: string, words: string) => [`${url}/${path}`, '-X', words];

  writeFileSync(join(dir, 'letter'), 'Subject: appended\r\n\r\n.by curl\r\n');
  const named = await ask(command('', 'CREATE Archive'), command('', 'SUBSCRIBE Archive'), [
    `${url}/`,
  ]);
  expect(named).toMatch(/^\* LIST \([^)]*\) "[/.]" "?Archive"?\r$/m);
  expect(named).toMatch(/^\* LIST \([^)]*\) "[/.]" "?INBOX"?\r$/m);
  const found = await ask([`${url}/INBOX?SUBJECT%20one`], [`${url}/INBOX?BODY%20%22of%20two%22`]);
  const numbers = [...found.matchAll(/^\* SEARCH ([0-9]+)\r$/gm)].map(([, number]) => number);
  expect(numbers).toHaveLength(2);
  const [one, two] = numbers;
  const fetched = await ask(
    [`${url}/INBOX;MAILINDEX=${one}`],
    [`${url}/INBOX;MAILINDEX=${two};SECTION=TEXT`],
    command('INBOX', `FETCH ${one} (UID FLAGS BODYSTRUCTURE)`),
  );
  expect(fetched).toContain('\r\n\r\nThis is one.\r\n.a line that begins with a dot\r\n');
  expect(fetched).toContain('text of two.\r\n');
  expect(fetched).toMatch(/\* [0-9]+ FETCH \(.*FLAGS \([^)]*\\Seen.*BODYSTRUCTURE/);
  await ask(
    command('INBOX', `STORE ${one} +FLAGS (\\Flagged)`),
    command('INBOX', `COPY ${one} Archive`),
    command('INBOX', `MOVE ${two} Archive`),
    ['-T', join(dir, 'letter'), `${url}/INBOX`],
  );
  await holds(box, '', ['appended S', 'one FS', 'three']);
  await holds(box, 'Archive', ['one FS', 'two S']);
  const last = await ask([`${url}/INBOX?SUBJECT%20appended`]);
  const appended = /^\* SEARCH ([0-9]+)\r$/m.exec(last)?.[1];
  await ask(
    command('INBOX', `STORE ${appended} +FLAGS.SILENT \\Deleted`),
    command('INBOX', 'EXPUNGE'),
  );
  await holds(box, '', ['one FS', 'three']);
}
