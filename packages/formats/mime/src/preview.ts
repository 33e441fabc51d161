// The preview of a message (RFC 8970): the beginning of its text on one line, for a list of messages.

import type { ByteSource } from './byte-source.ts';
import { htmlText } from './html-text.ts';
import { PREVIEW_MAX, PREVIEW_SCAN_MAX } from './limits.ts';
import type { Message, Part } from './message.ts';
import { bodyText } from './message-text.ts';

/**
 * At most PREVIEW_MAX characters (code points), without controls and line ends. The first text/plain part that is no
 * attachment serves, otherwise the first text/html one; lines that quote another message are left out unless there is
 * nothing else. Empty when there is no text.
 */
export async function previewOf(source: ByteSource, message: Message): Promise<string> {
  const plain = textPart(message.root, 'plain');
  if (plain !== undefined) {
    const text = await beginning(source, message, plain);
    const preview = shortened(withoutQuotes(text)) || shortened(text);
    if (preview !== '') return preview;
  }
  const html = textPart(message.root, 'html');
  return html === undefined ? '' : shortened(htmlText(await beginning(source, message, html)));
}

function textPart(part: Part, subtype: string): Part | undefined {
  if (part.kind === 'multipart') {
    for (const child of part.parts) {
      const found = textPart(child, subtype);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  // A forwarded message is what this one is about, but not what it says.
  const fits = part.kind === 'leaf' && part.type === 'text' && part.subtype === subtype;
  return fits && part.disposition?.type !== 'attachment' ? part : undefined;
}

async function beginning(source: ByteSource, message: Message, part: Part): Promise<string> {
  let text = '';
  for await (const piece of bodyText(source, message, part)) {
    text += piece.text;
    if (text.length >= PREVIEW_SCAN_MAX) break;
  }
  return text.slice(0, PREVIEW_SCAN_MAX);
}

function withoutQuotes(text: string): string {
  return text.replace(/^>.*$/gm, '');
}

function shortened(text: string): string {
  const line = text.replace(UNSHOWN, ' ').replace(/ {2,}/g, ' ').trim();
  // Cut at a code point: a code point has two units at most.
  return [...line.slice(0, PREVIEW_MAX * 2)].slice(0, PREVIEW_MAX).join('').trim();
}

/** Blanks of all kinds, controls, and the marks that turn the direction of what stands around them. */
const UNSHOWN = /[\s\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/gu;
