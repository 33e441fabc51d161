// What a .qmail file says: dot-qmail(5). Text is latin1.
//
//   file     = 1*( line LF )               ; the last LF may be missing
//   line     = ""                          ; an error as the first line, otherwise nothing
//            / "#" *OCTET                  ; comment
//            / ( "." / "/" ) *OCTET        ; maildir if it ends in "/", otherwise mbox
//            / "|" *OCTET                  ; program, for /bin/sh -c
//            / "+list"                     ; from here on forwards only; any other "+" is reserved
//            / [ "&" ] *OCTET              ; forward
//
// Blanks and tabs at the end of a line do not count, and a NUL cuts its line short (qmail's lines are C
// strings). Example:  # my mail LF ./Maildir/ LF |vacation joe LF &ann@example.net LF

import { textOf } from '@q/bytes';
import { Temporary } from '@q/fault';

export type Instruction =
  | { readonly kind: 'mbox'; readonly path: string }
  /** The path keeps its last "/". */
  | { readonly kind: 'maildir'; readonly path: string }
  | { readonly kind: 'program'; readonly command: string }
  /** As it is written: not parsed, no host added, perhaps empty. */
  | { readonly kind: 'forward'; readonly address: string };

export interface DotQmailOptions {
  /** The file has its owner-execute bit set: a mailing list's, in which deliveries are mistakes. */
  readonly forwardOnly: boolean;
}

/**
 * The instructions one by one, in order; comments give none, so that a file of comments discards the mail.
 * Line errors are thrown (Temporary, qmail-local's text) when their line is reached and no earlier: what
 * stands before them has then been done, and a program that ends the file by exit code 99 hides them.
 * `bytes` is a file with something in it; for an empty one defaultdelivery stands.
 */
export function* parseDotQmail(
  bytes: Buffer,
  options: DotQmailOptions,
): Generator<Instruction, void, void> {
  let { forwardOnly } = options;
  let first = true;
  for (const line of lines(bytes)) {
    if (line === '' && first) throw new Temporary(BLANK);
    first = false;
    if (line === '+list') forwardOnly = true;
    const instruction = parseLine(line);
    if (instruction === undefined) continue;
    if (forwardOnly) refuseDelivery(instruction);
    yield instruction;
  }
}

function refuseDelivery({ kind }: Instruction): void {
  if (kind === 'mbox' || kind === 'maildir') throw new Temporary(FILE_FORBIDDEN);
  if (kind === 'program') throw new Temporary(PROGRAM_FORBIDDEN);
}

function parseLine(line: string): Instruction | undefined {
  switch (line[0]) {
    case undefined:
    case '#':
    case '+':
      return undefined;
    case '.':
    case '/':
      return { kind: line.endsWith('/') ? 'maildir' : 'mbox', path: line };
    case '|':
      return { kind: 'program', command: line.slice(1) };
    case '&':
      return { kind: 'forward', address: line.slice(1) };
    default:
      return { kind: 'forward', address: line };
  }
}

function* lines(bytes: Buffer): Generator<string, void, void> {
  let start = 0;
  do {
    const lf = bytes.indexOf(LF, start);
    const end = lf < 0 ? bytes.length : lf;
    yield trimmed(bytes.subarray(start, end));
    start = end + 1;
  } while (start < bytes.length);
}

function trimmed(line: Buffer): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === BLANK_CHAR || line[end - 1] === TAB)) end--;
  const text = textOf(line.subarray(0, end));
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

const LF = 10;
const TAB = 9;
const BLANK_CHAR = 32;

const BLANK = 'Uh-oh: first line of .qmail file is blank. (#4.2.1)';
const FILE_FORBIDDEN = 'Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)';
const PROGRAM_FORBIDDEN = 'Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)';
