// mbox2maildir(1): copies the messages of an mbox file into a maildir, and with -e empties the file then.
// The file is touched only when every message is on disk in the maildir, so a crash before that costs
// nothing: the file still has them all, and the next run copies them again.

import { constants, fstatSync, ftruncateSync, futimesSync } from 'node:fs';
import { join } from 'node:path';
import { Temporary } from '@q/fault';
import {
  closeFd,
  createExclusive,
  fsyncDir,
  fsyncFd,
  GatheredWriter,
  linkFile,
  openLocked,
  readChunks,
  unlinkIfThere,
} from '@q/fsx';
import { formatName, isMaildir, uniqueName } from '@q/maildir';
import type { Invocation } from '@q/proc';
import { doing } from './doing.ts';
import { WRITE_SIZE } from './limits.ts';
import { MboxDecoder, type Quoting } from './mbox-decoder.ts';
import { type MboxMessage, readMbox } from './mbox-reader.ts';

/** Throws a fault; 100 if the file is no mbox. What was copied until then stays in the maildir. */
export async function mbox2maildirMain({ args, options }: Invocation): Promise<number> {
  const [mbox = '', maildir = ''] = args;
  const quoting = options.o === true ? 'mboxo' : 'mboxrd';
  if (!(await isMaildir(maildir))) throw new Temporary(`${maildir} is not a maildir`);
  const empty = options.e === true;
  // While the lock is waited for, maildir2mbox may put a new file in place: to empty the old one would leave in the
  // mbox what has been copied, and what was new there would not be.
  const fd = await doing(`unable to open ${mbox}`, () =>
    openLocked(mbox, empty ? constants.O_RDWR : constants.O_RDONLY),
  );
  try {
    await doing(`unable to copy ${mbox}`, () => copyMessages(fd, maildir, quoting));
    if (empty) await doing(`unable to empty ${mbox}`, () => emptyFile(fd));
  } finally {
    await closeFd(fd);
  }
  return 0;
}

async function copyMessages(fd: number, maildir: string, quoting: Quoting): Promise<void> {
  const size = fstatSync(fd).size;
  for await (const message of readMbox(fd)) await copyMessage(fd, message, maildir, quoting);
  // A writer that knows no locks may have been at it: then what was read may end within a message.
  if (fstatSync(fd).size !== size) throw new Temporary('somebody is writing to the mbox file');
  await fsyncDir(join(maildir, 'new'));
  await fsyncDir(join(maildir, 'cur'));
}

/** tmp, fsync, link: the message has its name in new or cur only when it is whole. */
async function copyMessage(
  mbox: number,
  message: MboxMessage,
  maildir: string,
  quoting: Quoting,
): Promise<void> {
  const name = uniqueName();
  const tmp = join(maildir, 'tmp', name);
  const fd = await createExclusive(tmp, 0o600);
  try {
    try {
      await writeMessage(fd, mbox, message, quoting);
      futimesSync(fd, message.from.date, message.from.date);
      await fsyncFd(fd);
    } finally {
      await closeFd(fd);
    }
    const { flags, old } = message;
    const place = old || flags !== '' ? ['cur', formatName(name, flags)] : ['new', name];
    await linkFile(tmp, join(maildir, ...place));
  } finally {
    await unlinkIfThere(tmp);
  }
}

async function writeMessage(
  fd: number,
  mbox: number,
  { from, start, end, hasReturnPath }: MboxMessage,
  quoting: Quoting,
): Promise<void> {
  const out = new GatheredWriter(fd, WRITE_SIZE);
  if (!hasReturnPath && from.sender !== undefined)
    await out.write(Buffer.from(`Return-Path: <${from.sender}>\n`, 'latin1'));
  const decoder = new MboxDecoder(quoting);
  let left = end - start;
  if (left > 0) {
    for await (const chunk of readChunks(mbox, start)) {
      const wanted = chunk.subarray(0, Math.min(left, chunk.length));
      await out.write(decoder.push(wanted));
      left -= wanted.length;
      if (left === 0) break;
    }
  }
  if (left > 0) throw new Temporary('the mbox file became shorter');
  await out.write(decoder.finish());
  await out.flush();
}

async function emptyFile(fd: number): Promise<void> {
  ftruncateSync(fd, 0);
  await fsyncFd(fd);
}
