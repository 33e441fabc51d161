// Which bytes of the file a section of IMAP is (RFC 3501, 6.4.5).
//
//   section     = "[" [ spec ] "]"
//   spec        = "HEADER" / "TEXT" / part [ "." ( "HEADER" / "TEXT" / "MIME" ) ]
//   part        = number *( "." number )
//
// Example: in a message whose second part is a message/rfc822 of two parts, 2 is that message, 2.HEADER and 2.TEXT are
// its header and body, 2.MIME the header of the part that it is, 2.1 its first part.

import type { Message, Part, Span } from './message.ts';

export type SectionText = 'all' | 'header' | 'text' | 'mime';

/**
 * The part with this number, undefined when there is none. A message that is no multipart has itself as its part 1:
 * so has a message/rfc822 part. An empty path is the message itself.
 */
export function partAt(message: Message, path: readonly number[]): Part | undefined {
  let parts: readonly Part[] = partsOfMessage(message.root);
  let part: Part | undefined = message.root;
  for (const number of path) {
    part = parts[number - 1];
    if (part === undefined) return undefined;
    parts = partsWithin(part);
  }
  return part;
}

/**
 * The bytes of a section; undefined when the message has no such section. "header" and "text" of a part are only there
 * when it is a message; "mime" needs a part's number.
 */
export function sectionSpan(
  message: Message,
  path: readonly number[],
  text: SectionText,
): Span | undefined {
  const part = partAt(message, path);
  if (part === undefined) return undefined;
  if (path.length > 0) {
    if (text === 'all') return part.body;
    if (text === 'mime') return part.header;
    if (part.kind !== 'message') return undefined;
    return text === 'header' ? part.message.header : part.message.body;
  }
  switch (text) {
    case 'all':
      return joined(part.header, part.body);
    case 'header':
      return part.header;
    case 'text':
      return part.body;
    case 'mime':
      return undefined;
  }
}

/** What the numbers 1, 2, 3... mean in a message, of which this is the root. */
function partsOfMessage(root: Part): readonly Part[] {
  return root.kind === 'multipart' ? root.parts : [root];
}

function partsWithin(part: Part): readonly Part[] {
  if (part.kind === 'multipart') return part.parts;
  return part.kind === 'message' ? partsOfMessage(part.message) : [];
}

function joined(first: Span, second: Span): Span {
  return {
    start: first.start,
    end: second.end,
    crlfStart: first.crlfStart,
    crlfEnd: second.crlfEnd,
    lines: first.lines + second.lines,
  };
}
