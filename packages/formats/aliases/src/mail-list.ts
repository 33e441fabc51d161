// A mailing list that fastforward reads, and the text that setmaillist makes it from. setmaillist(1).
//
//   text = *( line LF )
//   line = "" / "#" comment / [ "&" ] address / ( "." / "/" ) path          ; blanks at the end do not count
//
// The list itself is commands (command.ts), all of them addresses or further lists.

import { Permanent } from '@q/fault';
import { type Command, commandText, decodeCommands, parseCommand } from './command.ts';

/** The command of one line; undefined for one that says nothing. Throws Permanent with exit code 111, as setmaillist has it. */
export function parseListLine(line: string): Command | undefined {
  const text = line.replace(/[ \t\r]+$/, '');
  if (text.includes('\0')) throw new Permanent('NUL in input', { exitCode: 111 });
  if (text === '' || text.startsWith('#')) return undefined;
  try {
    // What a list may not hold is an address here, as ever: "|x" is a mailbox that nobody has.
    return parseCommand(/^[&/.]/.test(text) ? text : `&${text}`);
  } catch (error) {
    throw error instanceof Permanent ? new Permanent(error.message, { exitCode: 111 }) : error;
  }
}

/** The lines that make the list again. Throws Permanent when the bytes are no list. */
export function listText(bytes: Buffer): string {
  const commands = decodeCommands(bytes, { onlyLists: true });
  if (commands === undefined) throw new Permanent('bad mailing list format');
  return commands.map((command) => `${commandText(command)}\n`).join('');
}
