// The text of a message, decoded, as SEARCH BODY and TEXT look at it (RFC 3501, 6.4.4: strings are compared after
// transfer encodings and encoded words are undone), piece by piece.

import type { ByteSource } from './byte-source.ts';
import { charsetNamed, UNSTATED } from './charset.ts';
import { crlfRange } from './crlf.ts';
import { decodedBody } from './decoded-body.ts';
import { decodeHeader } from './encoded-word.ts';
import { HeaderText } from './header-text.ts';
import type { Message, Part } from './message.ts';
import { parameterText } from './parameter-text.ts';

export interface TextPiece {
  readonly text: string;
  /** The first piece of a header or body: what stood before does not go on here. */
  readonly begins: boolean;
}

export interface MessageTextOptions {
  /** The message's own header comes first: TEXT. Without, only what is in its body: BODY. */
  readonly header: boolean;
}

/**
 * The headers and the text bodies of all parts, in their order in the file. A body that is not text, or has an unknown
 * encoding, is left out; one in an unknown charset is taken as UNSTATED.
 */
export async function* messageText(
  source: ByteSource,
  message: Message,
  options: MessageTextOptions,
): AsyncGenerator<TextPiece, void, undefined> {
  if (options.header) yield* headerText(source, message, message.root);
  for (const part of partsInOrder(message.root)) {
    if (part !== message.root) yield* headerText(source, message, part);
    if (part.kind === 'leaf' && part.type === 'text') yield* bodyText(source, message, part);
  }
}

/** Depth first: the order of their headers in the file. */
function* partsInOrder(part: Part): Generator<Part, void, undefined> {
  yield part;
  if (part.kind === 'message') yield* partsInOrder(part.message);
  if (part.kind === 'multipart') for (const child of part.parts) yield* partsInOrder(child);
}

async function* headerText(
  source: ByteSource,
  message: Message,
  part: Part,
): AsyncGenerator<TextPiece, void, undefined> {
  const reader = new HeaderText();
  let begins = true;
  for await (const piece of crlfRange(source, message, part.header)) {
    const text = reader.push(piece);
    if (text !== '') yield { text: decodeHeader(text), begins };
    if (text !== '') begins = false;
  }
  const rest = reader.end();
  if (rest !== '') yield { text: decodeHeader(rest), begins };
}

/** The decoded text of a part of type text, in pieces. */
export async function* bodyText(
  source: ByteSource,
  message: Pick<Message, 'checkpoints' | 'hasNul'>,
  part: Part,
): AsyncGenerator<TextPiece, void, undefined> {
  const bytes = decodedBody(source, message, part);
  if (bytes === undefined) return;
  const charset = charsetNamed(parameterText(part.parameters, 'charset') ?? '') ?? UNSTATED;
  const decoding = charset.decoder();
  let begins = true;
  for await (const piece of bytes) {
    const text = decoding.push(piece);
    if (text === '') continue;
    yield { text, begins };
    begins = false;
  }
  const rest = decoding.end();
  if (rest !== '') yield { text: rest, begins };
}
