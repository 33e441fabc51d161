// The searched text of some messages in one piece, with what tells where a value cannot be: a filter of its trigrams.
//
//   directory = crc packed                  ; CRC-32 of what follows, 4OCTET; see packed.ts
//   packed    = chunk text-length text-crc count *( uid extent base )
//   extent    = number                      ; 0: too long to be here; otherwise length of its text + 1, in order
//   filter    = 8192 * 4OCTET               ; little-endian; empty for a short text
//   text      = *OCTET                      ; the texts, in order
//
// The text is cut into at most 32 chunks. Bit i of a filter's word is set when a trigram (three bytes) that hashes to the
// word begins in chunk i or in the OVERLAP bytes behind it. So a value can begin only in chunks whose bit is set in the
// words of all its trigrams, those that begin in its first OVERLAP bytes. An eighth of the text buys that of a value of
// six letters that is not there, two chunks in ten thousand are looked at.

import { crc32 } from 'node:zlib';
import { damagedRecord, Packer, Unpacker } from './packed.ts';

/** The text of one message; undefined: too long to be held. */
export interface Document {
  readonly uid: number;
  readonly base: string;
  readonly text: Buffer | undefined;
}

export interface Directory {
  /** Bytes of a chunk; 0: there is no filter. */
  readonly chunk: number;
  readonly textLength: number;
  readonly textCrc: number;
  readonly places: readonly Place[];
}

export interface Place {
  readonly uid: number;
  readonly base: string;
  readonly start: number;
  readonly end: number;
  readonly isHere: boolean;
}

export interface Segment {
  readonly directory: Buffer;
  readonly filter: Buffer;
  readonly text: Buffer;
}

export function encodeSegment(documents: readonly Document[]): Segment {
  const text = Buffer.concat(documents.map((document) => document.text ?? EMPTY));
  const chunk = text.length < UNFILTERED ? 0 : Math.max(CHUNK, Math.ceil(text.length / CHUNKS));
  const packer = new Packer();
  for (const number of [chunk, text.length, crc32(text), documents.length]) packer.number(number);
  for (const document of documents) {
    packer.number(document.uid);
    packer.number(document.text === undefined ? 0 : document.text.length + 1);
    packer.string(document.base);
  }
  const directory = packer.packed(4);
  directory.writeUInt32LE(crc32(directory.subarray(4)), 0);
  return { directory, filter: chunk === 0 ? EMPTY : filterOf(text, chunk), text };
}

/** Throws when it is damaged. */
export function decodeDirectory(bytes: Buffer): Directory {
  if (bytes.length < 5 || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) throw damagedRecord();
  const unpacker = new Unpacker(bytes, 4);
  const chunk = unpacker.number();
  const textLength = unpacker.number();
  const textCrc = unpacker.number();
  const places: Place[] = [];
  let start = 0;
  for (let left = unpacker.number(); left > 0; left--) {
    const uid = unpacker.number();
    const extent = unpacker.number();
    const end = start + Math.max(0, extent - 1);
    places.push({ uid, base: unpacker.string(), start, end, isHere: extent > 0 });
    start = end;
  }
  return { chunk, textLength, textCrc, places };
}

/** The chunks in which `value` may begin, as bits. */
export function candidates(directory: Directory, filter: Buffer, value: Buffer): number {
  let mask = -1;
  if (directory.chunk === 0 || filter.length !== WORDS * 4) return mask;
  const last = Math.min(value.length - 3, OVERLAP - 1);
  for (let i = 0; i <= last && mask !== 0; i++) {
    const trigram =
      ((value[i] as number) << 16) | ((value[i + 1] as number) << 8) | (value[i + 2] as number);
    mask &= filter.readInt32LE(wordOf(trigram) * 4);
  }
  return mask;
}

function filterOf(text: Buffer, chunk: number): Buffer {
  // Of signed numbers, which V8 keeps as they are: a bit 31 of unsigned ones is a floating-point number to it.
  const words = new Int32Array(WORDS);
  for (let i = 0, start = 0; start < text.length; i++, start += chunk) {
    const bit = 1 << i;
    const end = Math.min(text.length, start + chunk + OVERLAP + 2);
    let trigram = ((text[start] as number) << 8) | (text[start + 1] as number);
    for (let at = start + 2; at < end; at++) {
      trigram = ((trigram << 8) | (text[at] as number)) & 0xffffff;
      // wordOf(), here where it is done for each byte.
      (words[Math.imul(trigram, HASH) >>> HASH_SHIFT] as number) |= bit;
    }
  }
  const bytes = Buffer.allocUnsafe(WORDS * 4);
  for (let i = 0; i < WORDS; i++) bytes.writeInt32LE(words[i] as number, i * 4);
  return bytes;
}

function wordOf(trigram: number): number {
  return Math.imul(trigram, HASH) >>> HASH_SHIFT;
}

const EMPTY: Buffer = Buffer.alloc(0);
const CHUNKS = 32;
const CHUNK = 8192;
const OVERLAP = 256;
/** Words of a filter: 2^13. */
const WORDS = 8192;
const HASH = 0x9e3779b1;
const HASH_SHIFT = 32 - 13;
/** A text shorter than this is searched faster than its filter is read. */
const UNFILTERED = 2 * CHUNK;
