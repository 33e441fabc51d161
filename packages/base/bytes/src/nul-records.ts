// Records ended by a NUL byte, as in envelopes, users/cdb and checkpassword blocks.

/** The records of `bytes`, each without its NUL; what stands after the last NUL is in `rest`. Views, not copies. */
export function splitNul(bytes: Buffer): { records: Buffer[]; rest: Buffer } {
  const records: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    records.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return { records, rest: bytes.subarray(start) };
}

/** Each latin1 text followed by one NUL. Throws RangeError if a text has a NUL in it. */
export function joinNul(texts: readonly string[]): Buffer {
  for (const text of texts) if (text.includes('\0')) throw new RangeError('NUL inside a record');
  return Buffer.from(texts.map((text) => `${text}\0`).join(''), 'latin1');
}
