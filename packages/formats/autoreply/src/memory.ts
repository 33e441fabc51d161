// Who has had a reply, and when:
//
//   file   = *record
//   record = seconds SP address LF         Unix time; the address in lower case, latin1, without blanks
//
// Example: 1726000000 ann@example.org
//
// Lines that are no records are dropped. The file is replaced in one step, under the lock of FILE.lock, so
// that two deliveries at a time do not answer the same sender twice, and a crash leaves the old or the new.

import { constants, readFileSync, statSync } from 'node:fs';
import { asciiLower } from '@q/bytes';
import { errnoOf } from '@q/fault';
import { closeFd, flock, openFd, writeFileAtomic } from '@q/fsx';
import { MEMORY_FILE_MAX, REMEMBERED_MAX } from './limits.ts';

export interface MemoryOptions {
  readonly path: string;
  /** For how long a sender is remembered. */
  readonly seconds: number;
  /** Unix time in seconds. */
  readonly now: number;
}

/**
 * Runs `reply` if `sender` is not remembered, and remembers it, on disk, before: a reply too few does no
 * harm, a reply at each retry does. If `reply` throws, the sender is forgotten again and the error thrown.
 * Resolves to why there was no reply, else undefined. Throws a system error if the memory cannot be kept.
 */
export async function oncePerSender(
  sender: string,
  { path, seconds, now }: MemoryOptions,
  reply: () => Promise<void>,
): Promise<string | undefined> {
  const lock = await openFd(`${path}.lock`, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    await flock(lock, 'exclusive');
    const records = readRecords(path);
    if (records === 'full') return 'too many senders are remembered';
    for (const [address, time] of records)
      if (Math.abs(now - time) >= seconds) records.delete(address);
    const key = asciiLower(sender);
    if (records.has(key)) return 'the sender has had a reply';
    if (records.size >= REMEMBERED_MAX) return 'too many senders are remembered';
    await write(path, new Map([...records, [key, now]]));
    try {
      await reply();
    } catch (error) {
      await write(path, records);
      throw error;
    }
    return undefined;
  } finally {
    await closeFd(lock);
  }
}

function readRecords(path: string): Map<string, number> | 'full' {
  const records = new Map<string, number>();
  let text: string;
  try {
    if (statSync(path).size > MEMORY_FILE_MAX) return 'full';
    text = readFileSync(path, 'latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return records;
    throw error;
  }
  for (const line of text.split('\n')) {
    const [, time, address] = /^([0-9]{1,15}) ([^\x00-\x20\x7f]+)$/.exec(line) ?? [];
    if (time !== undefined && address !== undefined) records.set(address, Number(time));
  }
  return records;
}

async function write(path: string, records: ReadonlyMap<string, number>): Promise<void> {
  let text = '';
  for (const [address, time] of records) text += `${time} ${address}\n`;
  await writeFileAtomic(path, Buffer.from(text, 'latin1'), { mode: 0o600 });
}
