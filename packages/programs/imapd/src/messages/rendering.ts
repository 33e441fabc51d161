// ENVELOPE and BODYSTRUCTURE as they are sent, which the cache keeps of each message: most clients ask for them of whole mailboxes,
// and making them anew takes several times as long as sending them.
//
//   rendering = version ascii length envelope structure
//   version   = %x01
//   ascii     = %x01 / %x00             ; whether all of it is
//   length    = 4OCTET                  ; of the envelope; little-endian
//   envelope  = *OCTET                  ; and structure: as for a client that has not turned on UTF-8

import { envelopeText, structureText } from '@q/imap';
import type { Renderer } from '@q/mail-cache';

export const messageRenderer: Renderer = {
  version: 1,
  render({ envelope }, { root }) {
    const mode = { utf8: false };
    const first = envelopeText(envelope, mode);
    const text = first + structureText(root, true, mode);
    const bytes = Buffer.allocUnsafe(HEAD + text.length);
    bytes[0] = this.version;
    bytes[1] = /^[\0-\x7f]*$/.test(text) ? 1 : 0;
    bytes.writeUInt32LE(first.length, 2);
    bytes.write(text, HEAD, 'latin1');
    return bytes;
  },
};

/** True when it is what a client is sent that has, or has not, turned on UTF-8. */
export function fits(rendering: Buffer, utf8: boolean): boolean {
  return !utf8 || rendering[1] === 1;
}

export function renderedEnvelope(rendering: Buffer): string {
  return rendering.toString('latin1', HEAD, HEAD + rendering.readUInt32LE(2));
}

export function renderedStructure(rendering: Buffer): string {
  return rendering.toString('latin1', HEAD + rendering.readUInt32LE(2));
}

const HEAD = 6;
