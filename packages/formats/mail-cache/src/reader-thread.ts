// The thread that reads messages nobody has looked at yet, for a process that must go on serving (message-reader.ts).

import { readSync } from 'node:fs';
import { isMainThread, parentPort } from 'node:worker_threads';
import { Permanent } from '@q/fault';
import { bufferSource, encodeMessage } from '@q/mime';
import { encodeFacts } from './facts.ts';
import { ELSEWHERE_FILE_MAX, RECORD_MAX } from './limits.ts';
import type { OpenFile } from './loads.ts';
import type { Renderer } from './model.ts';
import { parseFile } from './parse-facts.ts';
import { TextReader } from './text-reader.ts';
import { type AskedFile, type Batch, packRecords, type ReadRecords } from './thread-records.ts';

/**
 * Serves until the thread is ended. `renderer` is the one that the cache was opened with. Throws Permanent when this is
 * not a thread of another program.
 */
export function serveReader(renderer: Renderer): Promise<never> {
  if (isMainThread || parentPort === null) throw new Permanent('is a part of imapd');
  const port = parentPort;
  const reader = new Reader(renderer);
  // One batch at a time, in the order they came.
  let last = Promise.resolve();
  port.on('message', (batch: Batch) => {
    last = last.then(async () => {
      const answer = packRecords(batch.id, await reader.readAll(batch));
      port.postMessage(answer, [answer.bytes.buffer, answer.lengths.buffer]);
    });
  });
  port.postMessage(READY);
  return new Promise(() => {});
}

/** Its first message: batches may come. */
export const READY = 'ready';

class Reader {
  readonly #renderer: Renderer;
  readonly #room = Buffer.allocUnsafeSlow(ELSEWHERE_FILE_MAX);
  readonly #texts = new TextReader();

  constructor(renderer: Renderer) {
    this.#renderer = renderer;
  }

  async readAll({ files, now }: Batch): Promise<(ReadRecords | undefined)[]> {
    const all: (ReadRecords | undefined)[] = [];
    for (const file of files) {
      try {
        all.push(await this.#read(file, now));
      } catch {
        // Whoever reads it the other way learns why.
        all.push(undefined);
      }
    }
    return all;
  }

  async #read(asked: AskedFile, now: number): Promise<ReadRecords | undefined> {
    const { time, base, wish } = asked;
    const bytes = this.#bytesOf(asked);
    const source = bufferSource(bytes);
    const file: OpenFile = { size: bytes.length, time, source, pieces: () => [bytes] };
    const { facts, structure } = await parseFile(file, base, now);
    const header = wish.header ? this.#texts.readHeader(bytes, structure) : undefined;
    const body = wish.body ? await this.#texts.read(source, structure, 'body') : undefined;
    const isTooLong = (wish.header && header === undefined) || (wish.body && body === undefined);
    if (isTooLong) return undefined;
    if (!wish.described)
      return { facts: undefined, structure: undefined, rendering: undefined, header, body };
    const records: ReadRecords = {
      facts: encodeFacts(facts),
      structure: encodeMessage(structure),
      rendering: this.#renderer.render(facts, structure),
      header,
      body,
    };
    return isLarge(records) ? undefined : records;
  }

  #bytesOf({ fd, size }: AskedFile): Buffer {
    let at = 0;
    while (at < size) {
      const n = readSync(fd, this.#room, at, size - at, at);
      if (n === 0) break;
      at += n;
    }
    return this.#room.subarray(0, at);
  }
}

/** A record that is not kept is of no use to the cache. */
function isLarge({ facts, structure, rendering }: ReadRecords): boolean {
  return [facts, structure, rendering].some((record) => (record?.length ?? 0) > RECORD_MAX);
}
