// The announcement of a literal at the end of a line (RFC 9051, section 4.3; RFC 7888; RFC 3516 for literal8).

/** A literal that the client has announced and not yet sent. */
export interface AnnouncedLiteral {
  /** In bytes; Infinity when the number is beyond what can be counted exactly. */
  readonly size: number;
  /** literal8, "~{n}": may hold NULs. */
  readonly binary: boolean;
  /** The client waits for our continuation. False for "{n+}": its bytes follow whatever we answer. */
  readonly synchronising: boolean;
}

/**
 * The literal that `line` (without its line end) announces, and where the announcement begins; undefined when it
 * announces none. Only the end is looked at: a quoted string cannot contain a line end, so whatever stands before
 * cannot change the meaning. What looks like an announcement but is none ("{-1}", "{ 1}", "{}") stays text, in which
 * "{" is an error of syntax.
 *
 *     literal = ["~"] "{" number64 ["+"] "}" CRLF *CHAR8
 */
export function announcedLiteral(
  line: Uint8Array,
): (AnnouncedLiteral & { readonly start: number }) | undefined {
  let at = line.length - 1;
  if (line[at] !== CLOSE) return undefined;
  at -= 1;
  const synchronising = line[at] !== PLUS;
  if (!synchronising) at -= 1;
  const last = at;
  let size = 0;
  for (let unit = 1; at >= 0; at--, unit *= 10) {
    const digit = (line[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    // Leading zeros add nothing; any other digit this far left is more than can be counted.
    if (digit > 0) size = unit > UNIT_MAX ? Number.POSITIVE_INFINITY : size + digit * unit;
  }
  if (at === last) return undefined;
  // Nothing but digits up to the beginning: what is left of a longer line, so a number without end.
  if (at < 0) return { size: Number.POSITIVE_INFINITY, binary: false, synchronising, start: 0 };
  if (line[at] !== OPEN) return undefined;
  const binary = line[at - 1] === TILDE;
  if (size > Number.MAX_SAFE_INTEGER) size = Number.POSITIVE_INFINITY;
  return { size, binary, synchronising, start: binary ? at - 1 : at };
}

const OPEN = 0x7b;
const CLOSE = 0x7d;
const PLUS = 0x2b;
const TILDE = 0x7e;
const ZERO = 0x30;
/** 10^15: nine of it are still below 2^53. */
const UNIT_MAX = 1e15;
