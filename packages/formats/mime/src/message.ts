// A message file as a tree of parts, each known by its place in the file (RFC 2045, 2046, 5322).
//
// Files have LF line ends, and may hold CRLF ones, bare CRs and NULs; IMAP sends CRLF. So each place has two
// coordinates: bytes in the file, and bytes as sent, where a LF without a CR before it counts two. Strings are latin1
// and hold the header's bytes as they were written: encoded words are not decoded, folding is undone.
//
// A part whose type is text/plain although its header says otherwise is one that could not be read as what it claims:
// a type that is none, a multipart without a usable boundary or without a single part, or one beyond the limits
// (RFC 2045, 5.2 has such a part shown as text).

/** A range of the file. */
export interface Span {
  /** Bytes from the file's beginning. */
  readonly start: number;
  readonly end: number;
  /** The same places as sent: bytes from the beginning of the whole message with CRLF line ends. */
  readonly crlfStart: number;
  readonly crlfEnd: number;
  /** How many LFs lie in it. */
  readonly lines: number;
}

/** Names in lower case, values as written; RFC 2231's are joined but not decoded (see parameter.ts). */
export type Parameters = readonly (readonly [name: string, value: string])[];

export interface Disposition {
  /** In lower case: "attachment". */
  readonly type: string;
  readonly parameters: Parameters;
}

export interface MediaType {
  /** Media type and subtype, lower case. */
  readonly type: string;
  readonly subtype: string;
  readonly parameters: Parameters;
}

/** What the Content-* fields of a part say. */
export interface Content extends MediaType {
  /** Content-ID, as written: "<a@b>". */
  readonly id?: string;
  readonly description?: string;
  /** Content-Transfer-Encoding, lower case; "7bit" where there is none. */
  readonly encoding: string;
  readonly md5?: string;
  readonly disposition?: Disposition;
  readonly languages: readonly string[];
  readonly location?: string;
}

/** What every part has. */
interface PartBase extends Content {
  /** The header with the empty line that ends it. Of a message's root part, the message's header. */
  readonly header: Span;
  /** Without the line end before the next boundary. */
  readonly body: Span;
  /** Of the root part of a message: the file's, or that of a part of type message/rfc822. */
  readonly envelope?: Envelope;
}

export interface LeafPart extends PartBase {
  readonly kind: 'leaf';
}

export interface MultipartPart extends PartBase {
  readonly kind: 'multipart';
  /** At least one. */
  readonly parts: readonly Part[];
}

/** message/rfc822 or message/global: its body is a message, header and all. */
export interface MessagePart extends PartBase {
  readonly kind: 'message';
  /** The root part of that message: its header and body make up this part's body. It has the envelope. */
  readonly message: Part;
}

export type Part = LeafPart | MultipartPart | MessagePart;

/** A mailbox of an envelope (RFC 3501, 7.4.2), or the beginning or end of a group. Latin1, quoting removed. */
export interface Address {
  readonly name: string | undefined;
  /** The source route, "@a,@b". */
  readonly route: string | undefined;
  /** Local part. The group's name in its beginning, undefined at its end. */
  readonly mailbox: string | undefined;
  /** Domain; empty when the address has none. Undefined only in a group's beginning and end. */
  readonly host: string | undefined;
}

/** The values of ENVELOPE. Undefined is NIL: the field is absent, or of an address field, holds no address. */
export interface Envelope {
  readonly date: string | undefined;
  readonly subject: string | undefined;
  readonly from: readonly Address[] | undefined;
  /** From where it is absent or empty, as RFC 3501 wants; so is replyTo. */
  readonly sender: readonly Address[] | undefined;
  readonly replyTo: readonly Address[] | undefined;
  readonly to: readonly Address[] | undefined;
  readonly cc: readonly Address[] | undefined;
  readonly bcc: readonly Address[] | undefined;
  readonly inReplyTo: string | undefined;
  readonly messageId: string | undefined;
}

export interface Message {
  /** Bytes of the file, and as sent with CRLF line ends. */
  readonly size: number;
  readonly crlfSize: number;
  /** A NUL is somewhere in it: such a message goes out as a literal only with its NULs replaced. */
  readonly hasNul: boolean;
  readonly root: Part;
  /** The message ids of References, see message-id.ts. */
  readonly references: readonly string[];
  /**
   * The place as sent of each CHECKPOINT_STEP bytes of the file: [0] belongs to CHECKPOINT_STEP. With them a partial
   * fetch need not read from the part's beginning.
   */
  readonly checkpoints: readonly number[];
}
