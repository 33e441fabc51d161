// What passes between a cache and the thread that reads messages for it (message-reader.ts, reader-thread.ts).
//
// A batch of open files goes there; their records come back in one piece of memory, which changes hands:
//
//   bytes   = *( facts structure rendering header body )    ; as they are kept on disk, or indexed
//   lengths = *5( length )                                  ; for each file; ABSENT: not asked for, or there is none

/** A file to be read. It stays open until the batch is answered or the thread is over. */
export interface AskedFile {
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
  /** INTERNALDATE in milliseconds. */
  readonly time: number;
  /** The message's base name. */
  readonly base: string;
  readonly wish: Wish;
}

/** What is wanted of a message. */
export interface Wish {
  /** Facts, structure and rendering. */
  readonly described: boolean;
  /** The searched text of these. */
  readonly header: boolean;
  readonly body: boolean;
}

/** What was made of a message: each is there if it was wanted, the rendering if somebody renders. */
export interface ReadRecords {
  readonly facts: Buffer | undefined;
  readonly structure: Buffer | undefined;
  readonly rendering: Buffer | undefined;
  readonly header: Buffer | undefined;
  readonly body: Buffer | undefined;
}

export interface Batch {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly files: readonly AskedFile[];
}

export interface BatchAnswer {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lengths: Int32Array<ArrayBuffer>;
}

/** `undefined`: the message is one for the other way of reading, for whatever reason. */
export function packRecords(id: number, all: readonly (ReadRecords | undefined)[]): BatchAnswer {
  const lengths = new Int32Array(all.length * SLOTS.length).fill(ABSENT);
  let size = 0;
  for (const records of all) for (const slot of SLOTS) size += records?.[slot]?.length ?? 0;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const [i, records] of all.entries()) {
    if (records === undefined) lengths[i * SLOTS.length] = UNREAD;
    else
      for (const [j, slot] of SLOTS.entries()) {
        const record = records[slot];
        if (record === undefined) continue;
        lengths[i * SLOTS.length + j] = record.length;
        bytes.set(record, at);
        at += record.length;
      }
  }
  return { id, bytes, lengths };
}

/** The reverse. The records are parts of `bytes`. */
export function unpackRecords({ bytes, lengths }: BatchAnswer): (ReadRecords | undefined)[] {
  const all: (ReadRecords | undefined)[] = [];
  let start = 0;
  const next = (place: number): Buffer | undefined => {
    const length = lengths[place] as number;
    if (length < 0) return undefined;
    const record = Buffer.from(bytes.buffer, bytes.byteOffset + start, length);
    start += length;
    return record;
  };
  for (let at = 0; at < lengths.length; at += SLOTS.length) {
    if (lengths[at] === UNREAD) all.push(undefined);
    else
      all.push({
        facts: next(at),
        structure: next(at + 1),
        rendering: next(at + 2),
        header: next(at + 3),
        body: next(at + 4),
      });
  }
  return all;
}

const SLOTS = ['facts', 'structure', 'rendering', 'header', 'body'] as const;
const ABSENT = -1;
const UNREAD = -2;
