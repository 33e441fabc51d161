// A reply of vmailmgrd. A command that gives data sends one for each piece, and a closing one.
//
//   reply = code length *OCTET           ; code: one byte; length: two bytes, high one first
//
// Example, "Deleted user.":  00 000d "Deleted user."

/** 3 stands in clients for "could not be reached"; a server only logs it. */
export type ReplyCode = 0 | 1 | 2 | 3;

/** As they stand in the log. */
export const REPLY_NAMES = ['OK', 'BAD', 'ERROR', 'ECONN'] as const;

export interface Reply {
  /** 0 done; 1 the request makes no sense; 2 it was refused or failed. */
  readonly code: ReplyCode;
  readonly text: Buffer;
}

const TEXT_MAX = 0xffff;

/** The bytes of a reply. Throws RangeError when its text does not fit into one. */
export function encodeReply({ code, text }: Reply): Buffer {
  if (text.length > TEXT_MAX) throw new RangeError('the reply is too long');
  const head = Buffer.alloc(3);
  head[0] = code;
  head.writeUInt16BE(text.length, 1);
  return Buffer.concat([head, text]);
}
