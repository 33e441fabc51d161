// The states of neighbouring UIDs in one value: what CONDSTORE and QRESYNC remember of a message (RFC 7162).
//
//   states = crc packed                     ; CRC-32 of what follows, 4OCTET; see packed.ts
//   packed = lists count *state
//   lists  = number *string                 ; the lists of keywords that are used here, each joined by blanks
//   state  = gap flags list modseq          ; UID less the one before; bits of FLAG; 0: none, otherwise place in lists + 1

import { crc32 } from 'node:zlib';
import type { KnownState } from '@q/mailbox';
import { damagedRecord, Packer, Unpacker } from './packed.ts';

export function encodeStates(states: Iterable<KnownState>): Buffer {
  const sorted = [...states].sort((a, b) => a.uid - b.uid);
  const lists = new Map<string, number>();
  for (const { keywords } of sorted) {
    const list = keywords.join(' ');
    if (list !== '' && !lists.has(list)) lists.set(list, lists.size + 1);
  }
  const packer = new Packer();
  packer.number(lists.size);
  for (const list of lists.keys()) packer.string(list);
  packer.number(sorted.length);
  let before = 0;
  for (const { uid, flags, keywords, modseq } of sorted) {
    packer.number(uid - before);
    packer.number(flags);
    packer.number(lists.get(keywords.join(' ')) ?? 0);
    packer.number(modseq);
    before = uid;
  }
  const bytes = packer.packed(4);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** Equal lists of keywords are one object, which `known` remembers from block to block. Throws when damaged. */
export function decodeStates(
  bytes: Buffer,
  known: Map<string, readonly string[]> = new Map(),
): KnownState[] {
  if (bytes.length < 5 || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) throw damagedRecord();
  const unpacker = new Unpacker(bytes, 4);
  const lists: (readonly string[])[] = [[]];
  for (let left = unpacker.number(); left > 0; left--) {
    const text = unpacker.string();
    const list = known.get(text) ?? text.split(' ');
    known.set(text, list);
    lists.push(list);
  }
  const states: KnownState[] = [];
  let uid = 0;
  for (let left = unpacker.number(); left > 0; left--) {
    uid += unpacker.number();
    const flags = unpacker.number();
    const keywords = lists[unpacker.number()];
    if (keywords === undefined) throw damagedRecord();
    states.push({ uid, flags, keywords, modseq: unpacker.number() });
  }
  return states;
}
