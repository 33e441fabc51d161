// What comes out of a command reader.

/** A command is text with literals in between, in the order sent. The first piece is text and begins with the tag. */
export type CommandPiece =
  /** A part of a line, without line end: it has neither NUL, CR nor LF. */
  | { readonly kind: 'text'; readonly bytes: Buffer }
  /** A held literal. It has NULs only when `binary`. */
  | { readonly kind: 'literal'; readonly bytes: Buffer; readonly binary: boolean }
  /** Stands for a message that was streamed; `index` counts the messages of the command from 0. */
  | {
      readonly kind: 'message';
      readonly size: number;
      readonly binary: boolean;
      readonly index: number;
    };

/** Why a command was refused. */
export type RefusalReason =
  /** A line or a literal is larger than the limits, or the whole is. */
  | 'too-big'
  /** NUL or a CR without LF. */
  | 'bad-bytes'
  /** The caller declined a message. */
  | 'declined';

/** A command that will not come out whole. What was streamed of its messages must be thrown away. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  /** Undefined when what stands in its place is none: the answer is untagged then. */
  readonly tag: string | undefined;
  /** What follows in the stream cannot be told from commands, or is too much: answer BYE and close. */
  readonly closing: boolean;
}

export type ReaderEvent =
  | { readonly kind: 'command'; readonly pieces: readonly CommandPiece[] }
  /** Send a continuation request ("+ …"): the client waits with its literal. */
  | { readonly kind: 'continue' }
  /** A message is announced; `pieces` grows with the command. Nothing more comes out before accept() or decline(). Nothing was allocated for it. */
  | {
      readonly kind: 'message';
      readonly pieces: readonly CommandPiece[];
      readonly size: number;
      readonly binary: boolean;
      readonly synchronising: boolean;
      readonly index: number;
    }
  /** Bytes of the accepted message, a slice of the chunk that was pushed. `last` ends it, perhaps with no bytes. */
  | { readonly kind: 'data'; readonly bytes: Buffer; readonly last: boolean }
  /** The line asked for by expectLine(), without line end. */
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | Refused;

/**
 * The tag that `text`, the beginning of a command, starts with; undefined when that is no tag.
 *
 *     tag = 1*<any ASTRING-CHAR except "+">
 */
export function tagOf(text: string, max: number): string | undefined {
  const tag = TAG.exec(text)?.[1];
  return tag === undefined || tag.length > max ? undefined : tag;
}

/** ATOM-CHAR and "]", less "+": neither controls, 8-bit, blanks nor any of (){%*"\ may be in it. */
const TAG = /^([!#$&',\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+)(?: |$)/;
