// What is done for a target: the commands in a forwarding database, and in a binary mailing list. setforward(1).
//
//   commands = *( command NUL )
//   command  = "&" address            ; forward; the address with its host
//            / "|" shell-command      ; feed the message to it
//            / "!" shell-command      ; the same, with UFLINE, RPLINE and DTLINE before the message
//            / ( "/" / "." ) path     ; what a binary mailing list says
//
// Example: &bob@x.y NUL !vacation NUL ./staff.bin NUL. A mailing list holds only addresses and further lists.

import { bytesOf, textOf } from '@q/bytes';
import { Permanent } from '@q/fault';
import { ADDRESS_MAX } from './limits.ts';

/** Texts are latin1. */
export type Command =
  | { readonly kind: 'forward'; readonly address: string }
  | { readonly kind: 'program'; readonly command: string; readonly withLines: boolean }
  | { readonly kind: 'list'; readonly path: string };

/** The command that a text writes; one that begins with no special character is an address. Throws Permanent. */
export function parseCommand(text: string): Command {
  switch (text[0]) {
    case '|':
    case '!':
      return { kind: 'program', command: text.slice(1), withLines: text[0] === '!' };
    case '/':
    case '.':
      return { kind: 'list', path: text };
    default: {
      const address = text[0] === '&' ? text.slice(1) : text;
      if (address === '') throw new Permanent('empty recipient addresses not permitted');
      if (address.length > ADDRESS_MAX)
        throw new Permanent(`addresses over ${ADDRESS_MAX} bytes are not permitted`);
      return { kind: 'forward', address };
    }
  }
}

/** A command as it stands in tables, without its NUL. */
export function commandText(command: Command): string {
  switch (command.kind) {
    case 'forward':
      return `&${command.address}`;
    case 'program':
      return (command.withLines ? '!' : '|') + command.command;
    case 'list':
      return command.path;
  }
}

export function encodeCommands(commands: readonly Command[]): Buffer {
  return bytesOf(commands.map((command) => `${commandText(command)}\0`).join(''));
}

/**
 * Reads commands; in a list (`onlyLists`) programs are an error, because another user may have written it. Undefined
 * when the bytes are no commands.
 */
export function decodeCommands(
  bytes: Buffer,
  options: { readonly onlyLists: boolean },
): Command[] | undefined {
  if (bytes.length === 0) return [];
  if (bytes.at(-1) !== 0) return undefined;
  const commands: Command[] = [];
  for (const text of textOf(bytes.subarray(0, -1)).split('\0')) {
    if (!/^[&|!/.]/.test(text) || text === '&') return undefined;
    if (options.onlyLists && /^[|!]|\n/.test(text)) return undefined;
    const body = { kind: 'forward', address: text.slice(1) } as const;
    commands.push(text[0] === '&' ? body : parseCommand(text));
  }
  return commands;
}
