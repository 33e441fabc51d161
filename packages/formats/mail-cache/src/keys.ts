// The keys of a cache:
//
//   key    = %x01 "format"                          ; what wrote it
//          / %x02 mailbox-id                        ; a folder's entry: the day it was last used
//          / %x03 mailbox-id %x00 kind [ number ]   ; a record of a folder
//   kind   = "F" / "S" / "P"     ; blocks of facts, structures, previews: number is the UID shifted
//          / "R"                 ; blocks of renderings, ditto
//          / "N" / "M" / "G"     ; blocks of states; the folder's mod-sequence; the gone of a mod-sequence
//          / "d" / "f" / "t"     ; the directory, filter and text of a segment of header text, by its number
//          / "D" / "E" / "T"     ; those of a segment of body text
//   number = 6OCTET                                 ; big-endian: ascending as keys are

export type Kind = 'F' | 'S' | 'P' | 'R' | 'N' | 'M' | 'G' | 'd' | 'f' | 't' | 'D' | 'E' | 'T';

export const FORMAT_KEY: Buffer = Buffer.from('\x01format', 'latin1');
export const FOLDERS_PREFIX: Buffer = Buffer.from([2]);

/** The entry of a folder among the folders. */
export function folderKey(mailboxId: string): Buffer {
  return Buffer.from(`\x02${mailboxId}`, 'latin1');
}

export function mailboxOf(key: Buffer): string {
  return key.toString('latin1', 1);
}

/** What all records of a folder begin with. */
export function folderPrefix(mailboxId: string): Buffer {
  return Buffer.from(`\x03${mailboxId}\0`, 'latin1');
}

/** What all records of one kind begin with. */
export function kindPrefix(mailboxId: string, kind: Kind): Buffer {
  return Buffer.from(`\x03${mailboxId}\0${kind}`, 'latin1');
}

/** One record; `prefix` is kindPrefix's. */
export function recordKey(prefix: Buffer, number: number): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + NUMBER_SIZE);
  prefix.copy(key);
  key.writeUIntBE(number, prefix.length, NUMBER_SIZE);
  return key;
}

export function numberOf(key: Buffer): number {
  return key.readUIntBE(key.length - NUMBER_SIZE, NUMBER_SIZE);
}

/** Mailbox ids are object ids (RFC 8474): others would make keys that are not theirs. */
export function isMailboxId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,255}$/.test(text);
}

/** States and mod-sequences: what cannot be had from the message files again. */
export function isState(key: Buffer): boolean {
  if (key[0] !== 3) return true;
  const kind = key[key.indexOf(0) + 1];
  return kind === 0x4e || kind === 0x4d || kind === 0x47;
}

const NUMBER_SIZE = 6;
