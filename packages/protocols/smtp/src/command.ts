// A command line of SMTP: RFC 5321, 4.1.1, read as qmail reads it.
//
//   command = verb *SP argument        ; the line end is gone already
//   verb    = *( any byte but SP )     ; without regard to case

import { textOf } from '@q/bytes';

export interface Command {
  /** In upper case (A-Z only), so that it can be looked up. */
  readonly verb: string;
  /** Latin1, without the spaces that stood before it. */
  readonly argument: string;
}

export function parseCommand(line: Buffer): Command {
  const text = textOf(line);
  const space = text.indexOf(' ');
  const verb = space < 0 ? text : text.slice(0, space);
  let start = verb.length;
  while (text[start] === ' ') start++;
  return { verb: asciiUpper(verb), argument: text.slice(start) };
}

function asciiUpper(text: string): string {
  return text.replace(/[a-z]+/g, (run) => run.toUpperCase());
}
