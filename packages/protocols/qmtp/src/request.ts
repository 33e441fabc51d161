// What a client sends: https://cr.yp.to/proto/qmtp.txt and https://cr.yp.to/proto/qmqp.html.
//
//   qmtp = netstring(encoding content) netstring(sender) netstring(*netstring(recipient))
//   qmqp = netstring( netstring(content) netstring(sender) *netstring(recipient) )
//   encoding = %x0A / %x0D                            ; lines end in LF, or in CR LF
//
// Examples: 6:<LF>body<LF>,3:a@b,6:3:c@d,,   and   20:5:body<LF>,3:a@b,3:c@d,,
//
// Lengths go first: the size of the content must be known before its first byte is sent.

import { bytesOf, encodeNetstring, netstringHeader } from '@q/bytes';

const LF = bytesOf('\n');
const COMMA = bytesOf(',');

/** What goes before a QMTP message's content of `size` bytes, whose lines end in LF. */
export function qmtpHead(size: number): Buffer {
  return Buffer.concat([netstringHeader(size + LF.length), LF]);
}

/** What goes after it. Addresses are latin1 text. */
export function qmtpTail(sender: string, recipients: readonly string[]): Buffer {
  const list = Buffer.concat(recipients.map(field));
  return Buffer.concat([COMMA, field(sender), encodeNetstring(list)]);
}

/**
 * What goes before and after the content of a QMQP request, and the length of the request's one
 * netstring in bytes. `addresses` are the sender's and the recipients' netstrings.
 */
export function qmqpRequest(
  size: number,
  addresses: Buffer,
): { readonly head: Buffer; readonly tail: Buffer; readonly length: number } {
  const content = netstringHeader(size);
  const length = content.length + size + COMMA.length + addresses.length;
  return {
    head: Buffer.concat([netstringHeader(length), content]),
    tail: Buffer.concat([COMMA, addresses, COMMA]),
    length,
  };
}

function field(address: string): Buffer {
  return encodeNetstring(bytesOf(address));
}
