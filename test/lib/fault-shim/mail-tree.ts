// An instance with a mailbox of every kind, ways to put messages into it, and a look at what arrived.
//
//   drop@localhost       a Maildir              box@localhost      an mbox file
//   fwd@localhost        forwarded to a Maildir alice@example.test a virtual user (vdeliver)
//   far@far.example      another host           nobody@localhost   does not exist: a bounce to the sender

import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export const RECIPIENTS = [
  'drop@localhost',
  'box@localhost',
  'fwd@localhost',
  'alice@example.test',
  'far@far.example',
  'nobody@localhost',
] as const;
export type Recipient = (typeof RECIPIENTS)[number];

/** Where bounces go. */
export const SENDER = 'sender@localhost';

/** A message that was found somewhere. */
export interface Copy {
  readonly recipient: Recipient;
  readonly id: string;
  /** From the Message-ID line on, lines ended by LF. */
  readonly text: string;
}

const MAILDIRS: Readonly<Partial<Record<Recipient, string>>> = {
  'drop@localhost': 'alias/Maildir',
  'fwd@localhost': 'alias/Forwarded',
  'alice@example.test': 'domains/example.test/users/alice',
  'nobody@localhost': 'alias/Bounces',
};
const MBOX = 'alias/box.mbox';

/** Writes the dot-qmail files and controls into an instance that is not running. */
export function furnish(dir: string, remotePort: number): void {
  const { uid, gid } = statSync(dir);
  const put = (name: string, text: string) => {
    writeFileSync(join(dir, name), text);
    chownSync(join(dir, name), uid, gid);
  };
  for (const name of ['alias/Maildir', 'alias/Forwarded', 'alias/Bounces']) {
    for (const sub of ['', 'tmp', 'new', 'cur']) {
      mkdirSync(join(dir, name, sub), { recursive: true, mode: 0o700 });
      chownSync(join(dir, name, sub), uid, gid);
    }
  }
  put('alias/.qmail-drop', './Maildir/\n');
  put('alias/.qmail-box', './box.mbox\n');
  put('alias/.qmail-fwd', '&dest@localhost\n');
  put('alias/.qmail-dest', './Forwarded/\n');
  put('alias/.qmail-sender', './Bounces/\n');
  put(MBOX, '');
  put('control/smtproutes', `:127.0.0.1:${remotePort}\n`);
  const hosts = readFileSync(join(dir, 'control/rcpthosts'), 'latin1');
  put('control/rcpthosts', `${hosts}far.example\n`);
}

/** Takes all messages out of the mailboxes. What has no Message-ID of ours has the id ''. */
export function collect(dir: string): Copy[] {
  const copies: Copy[] = [];
  for (const recipient of RECIPIENTS) {
    const maildir = MAILDIRS[recipient];
    if (maildir === undefined) continue;
    for (const sub of ['new', 'cur']) {
      for (const name of readdirSync(join(dir, maildir, sub))) {
        const path = join(dir, maildir, sub, name);
        copies.push(copyOf(recipient, readFileSync(path, 'latin1')));
        rmSync(path);
      }
    }
  }
  const mbox = readFileSync(join(dir, MBOX), 'latin1');
  truncateSync(join(dir, MBOX), 0);
  for (const part of mbox.split(/^From (?=\S+ \w{3} \w{3} )/m).slice(1))
    copies.push(copyOf('box@localhost', part));
  return copies;
}

export function copyOf(recipient: Recipient, content: string): Copy {
  const match = /^Message-ID: <(m[\d.]+@fault)>$/m.exec(content);
  return { recipient, id: match?.[1] ?? '', text: content.slice(match?.index ?? 0) };
}

/** How many messages wait: those with an entry in info or todo. */
export function waiting(dir: string): number {
  const count = (path: string): number => readdirSync(join(dir, 'queue', path)).length;
  const splits = readdirSync(join(dir, 'queue/info')).map((split) => count(`info/${split}`));
  return splits.reduce((sum, n) => sum + n, count('todo'));
}

/** The log since it was last cut, which it is now. */
export function takeLog(dir: string): string {
  const path = join(dir, 'log/current');
  if (!existsSync(path)) return '';
  const log = readFileSync(path, 'latin1');
  truncateSync(path, 0);
  return log;
}
