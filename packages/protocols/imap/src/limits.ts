// What an IMAP peer may make us hold. Each number with its reason.

/** What a command reader takes. All sizes in bytes. */
export interface ReaderLimits {
  /** One line without its line end; a command with literals has several. */
  readonly lineMax: number;
  /** All of a command that is held: its lines and its literals, but not the messages of APPEND. */
  readonly commandMax: number;
  /** One held literal, whether the client waits before it sends it or not ({n+}). */
  readonly literalMax: number;
  /** Whether APPEND and REPLACE may send messages, which are streamed and have no limit here. */
  readonly messages: boolean;
  /** How much of a refused command is read over before the connection is closed instead. 0: closed at once. */
  readonly discardMax: number;
  /** The same of a message that was declined and comes all the same: closing would cost the client the reason. */
  readonly declinedMax: number;
}

/**
 * Before login: a name, a password or a SASL response, nothing else. 8 kB is what a Kerberos ticket or a bearer
 * token needs; a client that wants more is not worth another byte, so the connection is closed.
 */
export const BEFORE_LOGIN: ReaderLimits = {
  lineMax: 8 * 1024,
  commandMax: 16 * 1024,
  literalMax: 4096,
  messages: false,
  discardMax: 0,
  declinedMax: 0,
};

/**
 * After login: a sequence set of a client that lists each UID of a large mailbox fits in 64 kB (RFC 7162,
 * section 4 asks for 8 kB at least). A client that sent too much is told BAD rather than cut off, since it would come
 * back and do the same again.
 */
export const AFTER_LOGIN: ReaderLimits = {
  lineMax: 64 * 1024,
  commandMax: 256 * 1024,
  literalMax: 64 * 1024,
  messages: true,
  discardMax: 1024 * 1024,
  declinedMax: 256 * 1024 * 1024,
};

/** Literals of one command, messages included: each costs an object, however short it is. */
export const PIECES_MAX = 20_000;

/** Longest tag that is answered as such. RFC 3501 has no limit; clients use up to a dozen characters. */
export const TAG_MAX = 128;

/** Ranges of a sequence set after those that touch are merged: 64 kB of "1,3,5," cannot make more. */
export const SET_RANGES_MAX = 32_768;

/** Longest LIST pattern in bytes, reference included: longer than any mailbox name may be. */
export const PATTERN_MAX = 1024;

/** Longest mailbox name in bytes as sent. Modified UTF-7 needs up to 8/3 of the 1000 bytes a path may have. */
export const MAILBOX_NAME_MAX = 2700;

/** Depth of a search: NOT, OR and parentheses within each other. Clients nest one OR a term, a few dozen at most. */
export const SEARCH_DEPTH_MAX = 100;

/** Keys of one search: each is tried on each message. */
export const SEARCH_KEYS_MAX = 1000;

/** Numbers of a section ("1.2.3"): as deep as a message is ever parsed. */
export const SECTION_DEPTH_MAX = 100;

/** Things in one list of a command: flags, header fields, FETCH items, patterns, metadata entries. */
export const LIST_MAX = 1000;

/** Longest keyword in bytes: it is written to files and sent with each message that has it. */
export const KEYWORD_MAX = 255;

/** RFC 2971, section 3.3: fields of ID, and bytes of a field's name and value. */
export const ID_FIELDS_MAX = 30;
export const ID_NAME_MAX = 30;
export const ID_VALUE_MAX = 1024;
