// A parsed message as bytes, for a cache. The message file stays the truth: a record that cannot be read is thrown away.
//
//   record     = %x01 crc payload                       ; the version; CRC-32 of the payload, big-endian
//   payload    = flags part references checkpoints      ; flags: bit 0, a NUL is in the message
//   part       = kind extent extent content [ envelope ] *part
//   kind       = OCTET                                  ; 0 leaf, 1 multipart, 2 message; bit 4: with envelope
//   extent     = gap gap-bare length bare lines         ; header, then body (whose gaps are 0 and not written)
//   content    = token token token list maybe maybe maybe maybe disposition languages
//                ; type, subtype, encoding, parameters, id, description, md5, location
//   envelope   = date subject in-reply-to message-id 6addresses
//
// Places are relative: a header to the beginning of the body it lies in, a body to its header's end; `bare` counts the
// LFs that get a CR when they are sent. Numbers and strings are those of record-bytes.ts. A multipart has its number of
// parts before them.

import { crc32 } from 'node:zlib';
import { readEnvelope, writeEnvelope } from './envelope-record.ts';
import {
  CHECKPOINT_STEP,
  DEPTH_MAX,
  LANGUAGES_MAX,
  MESSAGE_IDS_MAX,
  PARAMETERS_MAX,
  PARTS_MAX,
} from './limits.ts';
import type { Disposition, Message, Parameters, Part, Span } from './message.ts';
import { damaged, RecordReader, RecordWriter } from './record-bytes.ts';

/** The record of a message. */
export function encodeMessage(message: Message): Buffer {
  const writer = new RecordWriter();
  writer.byte(message.hasNul ? HAS_NUL : 0);
  writePart(writer, message.root, { at: 0, crlf: 0 });
  writer.number(message.references.length);
  for (const id of message.references) writer.string(id);
  writer.number(message.checkpoints.length);
  let bare = 0;
  for (const [i, place] of message.checkpoints.entries()) {
    const now = place - (i + 1) * CHECKPOINT_STEP;
    writer.number(now - bare);
    bare = now;
  }
  const payload = writer.written;
  const record = Buffer.allocUnsafe(HEAD + payload.length);
  record[0] = VERSION;
  record.writeUInt32BE(crc32(payload), 1);
  payload.copy(record, HEAD);
  return record;
}

/**
 * The message of a record, equal to the one it was made of. Throws Permanent when it is of another version, damaged, or
 * says what no message can be.
 */
export function decodeMessage(record: Buffer): Message {
  if (record.length < HEAD || record[0] !== VERSION) throw damaged();
  const payload = record.subarray(HEAD);
  if (record.readUInt32BE(1) !== crc32(payload)) throw damaged();
  const reader = new RecordReader(payload);
  const flags = reader.byte();
  if (flags > HAS_NUL) throw damaged();
  const budget = { parts: PARTS_MAX };
  const root = readPart(reader, undefined, 1, budget);
  if (root.header.start !== 0 || root.header.crlfStart !== 0) throw damaged();
  const references = readList(reader, MESSAGE_IDS_MAX, () => reader.string());
  const size = root.body.end;
  const checkpoints = readCheckpoints(reader, size, root.body.crlfEnd - size);
  if (!reader.atEnd) throw damaged();
  const crlfSize = root.body.crlfEnd;
  return { size, crlfSize, hasNul: flags === HAS_NUL, root, references, checkpoints };
}

interface Place {
  readonly at: number;
  readonly crlf: number;
}

function writePart(writer: RecordWriter, part: Part, base: Place): void {
  const kind = part.kind === 'leaf' ? LEAF : part.kind === 'multipart' ? MULTIPART : MESSAGE;
  writer.byte(kind | (part.envelope === undefined ? 0 : WITH_ENVELOPE));
  writer.number(part.header.start - base.at);
  writer.number(part.header.crlfStart - part.header.start - (base.crlf - base.at));
  writeExtent(writer, part.header);
  writeExtent(writer, part.body);
  writeContent(writer, part);
  if (part.envelope !== undefined) writeEnvelope(writer, part.envelope);
  const inside = { at: part.body.start, crlf: part.body.crlfStart };
  if (part.kind === 'message') writePart(writer, part.message, inside);
  if (part.kind === 'multipart') {
    writer.number(part.parts.length);
    for (const child of part.parts) writePart(writer, child, inside);
  }
}

function readPart(
  reader: RecordReader,
  around: Span | undefined,
  depth: number,
  budget: { parts: number },
): Part {
  if (depth > DEPTH_MAX || budget.parts-- <= 0) throw damaged();
  const first = reader.byte();
  const kind = first & 15;
  if ((first & ~WITH_ENVELOPE) !== kind || kind > MESSAGE) throw damaged();
  const start = (around?.start ?? 0) + reader.number();
  const crlfStart =
    start + (around === undefined ? 0 : around.crlfStart - around.start) + reader.number();
  const header = readExtent(reader, start, crlfStart);
  const body = readExtent(reader, header.end, header.crlfEnd);
  if (around !== undefined && (body.end > around.end || body.crlfEnd > around.crlfEnd))
    throw damaged();
  const content = readContent(reader);
  const envelope = first === kind ? {} : { envelope: readEnvelope(reader) };
  const base = { ...content, header, body, ...envelope };
  if (kind === LEAF) return { ...base, kind: 'leaf' };
  if (kind === MESSAGE) {
    return { ...base, kind: 'message', message: readPart(reader, body, depth + 1, budget) };
  }
  const parts = readList(reader, budget.parts, () => readPart(reader, body, depth + 1, budget));
  if (parts.length === 0) throw damaged();
  return { ...base, kind: 'multipart', parts };
}

function writeExtent(writer: RecordWriter, span: Span): void {
  const length = span.end - span.start;
  writer.number(length);
  writer.number(span.crlfEnd - span.crlfStart - length);
  writer.number(span.lines);
}

function readExtent(reader: RecordReader, start: number, crlfStart: number): Span {
  const length = reader.number(Number.MAX_SAFE_INTEGER / 4);
  const bare = reader.number(length);
  const lines = reader.number(length);
  if (bare > lines) throw damaged();
  const end = start + length;
  const crlfEnd = crlfStart + length + bare;
  if (!Number.isSafeInteger(crlfEnd)) throw damaged();
  return { start, end, crlfStart, crlfEnd, lines };
}

function writeContent(writer: RecordWriter, part: Part): void {
  writer.token(part.type);
  writer.token(part.subtype);
  writer.token(part.encoding);
  writeParameters(writer, part.parameters);
  for (const key of TEXTS) writer.maybe(part[key]);
  writer.maybe(part.disposition?.type);
  if (part.disposition !== undefined) writeParameters(writer, part.disposition.parameters);
  writer.number(part.languages.length);
  for (const language of part.languages) writer.string(language);
}

function readContent(reader: RecordReader) {
  const type = reader.token();
  const subtype = reader.token();
  const encoding = reader.token();
  const parameters = readParameters(reader);
  const texts: { [K in (typeof TEXTS)[number]]?: string } = {};
  for (const key of TEXTS) {
    const text = reader.maybe();
    if (text !== undefined) texts[key] = text;
  }
  const dispositionType = reader.maybe();
  const disposition: { disposition?: Disposition } =
    dispositionType === undefined
      ? {}
      : { disposition: { type: dispositionType, parameters: readParameters(reader) } };
  const languages = readList(reader, LANGUAGES_MAX, () => reader.string());
  return { type, subtype, parameters, encoding, ...texts, ...disposition, languages };
}

function writeParameters(writer: RecordWriter, parameters: Parameters): void {
  writer.number(parameters.length);
  for (const [name, value] of parameters) {
    writer.token(name);
    writer.token(value);
  }
}

function readParameters(reader: RecordReader): Parameters {
  return readList(reader, PARAMETERS_MAX, () => [reader.token(), reader.token()] as const);
}

function readCheckpoints(reader: RecordReader, size: number, bareMax: number): number[] {
  let bare = 0;
  let at = 0;
  const checkpoints = readList(reader, Math.floor(size / CHECKPOINT_STEP), () => {
    bare += reader.number(bareMax - bare);
    at += CHECKPOINT_STEP;
    return at + bare;
  });
  if (checkpoints.length !== Math.floor(size / CHECKPOINT_STEP)) throw damaged();
  return checkpoints;
}

function readList<T>(reader: RecordReader, max: number, read: () => T): T[] {
  const list: T[] = [];
  for (let left = reader.number(max); left > 0; left--) list.push(read());
  return list;
}

const VERSION = 1;
/** Version and checksum. */
const HEAD = 5;
const HAS_NUL = 1;
const LEAF = 0;
const MULTIPART = 1;
const MESSAGE = 2;
const WITH_ENVELOPE = 16;
const TEXTS = ['id', 'description', 'md5', 'location'] as const;
