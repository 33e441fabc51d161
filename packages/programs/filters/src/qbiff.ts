// qbiff(1): announces a message on the terminals of the user, if `biff y` has set the x bit there.

import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Invocation, mailText } from '@q/proc';
import { EXIT } from './exit-codes.ts';
import { readHeader } from './header.ts';
import { ANNOUNCED_TEXT } from './limits.ts';
import { terminalsOf } from './utmp.ts';

/** Where a test may put something else. */
const PLACES = { utmp: '/var/run/utmp', dev: '/dev' };

/** Always 0: that nobody could be told is no reason to hold the message up. */
export async function qbiffMain({ env }: Invocation, places = PLACES): Promise<number> {
  const { USER, SENDER, LOCAL } = env;
  if (USER === undefined || SENDER === undefined || LOCAL === undefined) return EXIT.OK;
  try {
    const text = await announcement(mailText(LOCAL), mailText(SENDER));
    for (const line of terminalsOf(mailText(USER), places.utmp)) tell(places.dev, line, text);
  } catch {
    // No utmp, or no message: nothing to tell, or nobody.
  }
  return EXIT.OK;
}

/** Two lines with their CR LF and a bell; nothing in them steers a terminal. */
async function announcement(local: string, sender: string): Promise<Buffer> {
  let text = '    ';
  const body = await readHeader(({ key, body: value }) => {
    if (key === 'subject' && text.length < ANNOUNCED_TEXT)
      text += `${value.replace(/^[ \t]+/, '').slice(0, ANNOUNCED_TEXT)}\n`;
  });
  text = (text + body.toString('latin1', 0, ANNOUNCED_TEXT)).slice(0, ANNOUNCED_TEXT);
  const who = `*** TO <${local}> FROM <${sender}>`.replace(/[^ -~]/g, '_');
  return Buffer.from(`\r\n\x07${who}\r\n${text.replace(/[^ -~]/g, '/')}\r\n`, 'latin1');
}

function tell(dev: string, line: string, text: Buffer): void {
  // utmp may be writable for more than root: only names of terminals, only the user's own.
  if (!/^[^./][^.]*$/.test(line)) return;
  const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    const fd = openSync(join(dev, line), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
    try {
      const stats = fstatSync(fd);
      const mine = stats.isCharacterDevice() && stats.uid === process.getuid?.();
      if (mine && (stats.mode & constants.S_IXUSR) !== 0) writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Logged out, or somebody else's terminal.
  }
}
