// What every client's session begins with, and what it is given.

import type { MaildirBox } from '../lib/maildir-box.ts';
import { until } from '../lib/processes.ts';

export type Encryption = 'plain' | 'STARTTLS' | 'TLS';

export interface Account {
  /** On localhost. */
  readonly port: number;
  readonly encryption: Encryption;
  readonly user: string;
  readonly password: string;
  /** PEM file of a certificate for "localhost", to be trusted. */
  readonly certificate: string;
}

export interface ImapClient {
  /** False: it is not installed, and this is no complete run. */
  readonly there: boolean;
  /**
   * A whole session with a mailbox that holds MESSAGES and no folder. `dir` is an empty directory of its own, its HOME.
   */
  session(account: Account, box: MaildirBox, dir: string): Promise<void>;
}

/** A message that is delivered while a client waits for it. */
export function letter(subject: string): string {
  return `From: ann@example.test\nTo: ben@example.test\nSubject: ${subject}\nMessage-ID: <${subject}@example.test>\n\nThis is ${subject}.\n`;
}

const date = (day: number) => `Date: ${day} Nov 2026 10:00:00 +0100\n`;

/** Subjects: one, two, three. */
export const MESSAGES: readonly string[] = [
  `${date(9)}${letter('one')}.a line that begins with a dot\n`,
  `${date(10)}${letter('two').replace('This is', 'text of')}`,
  `${date(11)}${letter('three').replace(
    /\n\n.*/s,
    `
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="cut here"

--cut here
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

un \u00e9t\u00e9
--cut here
Content-Type: application/octet-stream; name="data.bin"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="data.bin"

AAECAwQFBgcICQ==
--cut here--
`,
  )}`,
];

/** The environment of a client: nothing but a home. */
export function environment(dir: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: dir, LANG: 'C.UTF-8', TERM: 'xterm' };
}

/** Waits until a folder holds exactly these messages: see MaildirBox.messages. */
export async function holds(
  box: MaildirBox,
  folder: string,
  messages: readonly string[],
): Promise<void> {
  const wanted = messages.join('\n');
  const held = () => box.messages(folder).join('\n');
  await until(`"${folder}" holds ${wanted}`, () => held() === wanted, 60).catch((error: Error) => {
    throw new Error(`${error.message}; it holds ${held()}`);
  });
}
