// CATENATE: a message put together of literals and of sections of messages that are here already (RFC 4469).

import type { AppendPart } from '@q/imap';
import { NameFault } from '@q/mail-account';
import type { Spool } from '@q/mailbox';
import { LineEnds } from '../line-ends.ts';
import { CommandRefused } from '../refused.ts';
import type { Opened, Session } from '../session.ts';
import { openMessageFile } from './message-file.ts';
import { type MessageUrl, parseMessageUrl } from './message-url.ts';
import { sectionLiteral } from './section.ts';
import { spooled } from './spooled.ts';

/** Writes the parts to `spool`, one after the other. Throws CommandRefused BADURL and TOOBIG. */
export async function writeParts(
  session: Session,
  parts: readonly AppendPart[],
  spool: Spool,
): Promise<void> {
  const ends = new LineEnds();
  const put = async (piece: Buffer) => {
    if (spool.size + piece.length > session.settings.appendLimit)
      throw new CommandRefused('NO', 'Message too large', 'TOOBIG');
    await write(spool, ends.convert(piece, false));
    await session.drain();
  };
  for (const part of parts) {
    if (part.kind === 'url') await eachPiece(session, part.url, put);
    else {
      const literal = spooled(session, part.index);
      for await (const piece of literal.read(0, literal.size)) {
        if (piece.includes(0)) throw new CommandRefused('NO', 'NUL in message');
        await put(piece);
      }
    }
  }
  await write(spool, ends.convert(Buffer.alloc(0), true));
}

async function write(spool: Spool, bytes: Buffer): Promise<void> {
  if (bytes.length > 0) await spool.write(bytes);
}

/** The bytes that a URL stands for, as they would be fetched. */
async function eachPiece(
  session: Session,
  url: string,
  put: (piece: Buffer) => Promise<void>,
): Promise<void> {
  const parsed = parseMessageUrl(url, session.view?.opened.place.name);
  if (parsed === undefined) throw badUrl(url);
  const opened = await openMailbox(session, parsed, url);
  try {
    await opened.folder.refresh({ takeNew: false });
    await eachPieceOf(opened, parsed, url, put);
  } finally {
    opened.release();
  }
}

async function openMailbox(
  session: Session,
  { mailbox }: MessageUrl,
  url: string,
): Promise<Opened> {
  try {
    return await session.open(await session.account.find(mailbox, 'r'));
  } catch (error) {
    if (error instanceof NameFault) throw badUrl(url);
    throw error;
  }
}

async function eachPieceOf(
  { folder, cache }: Opened,
  { uid, uidValidity, section, range }: MessageUrl,
  url: string,
  put: (piece: Buffer) => Promise<void>,
): Promise<void> {
  const message = folder.find(uid);
  if (message === undefined || message.gone) throw badUrl(url);
  if (uidValidity !== undefined && uidValidity !== folder.uidValidity) throw badUrl(url);
  const structure = await cache.loadStructure(message);
  const file = structure === undefined ? undefined : await openMessageFile(folder, message);
  if (structure === undefined || file === undefined) throw badUrl(url);
  try {
    const literal = await sectionLiteral({ source: file.source, structure }, section, range);
    if (literal === undefined) throw badUrl(url);
    for await (const piece of literal.pieces()) await put(piece);
  } finally {
    file.close();
  }
}

/** Only a URL that is plain text comes back: it is the client's. */
function badUrl(url: string): CommandRefused {
  const told = /^[\x21\x23-\x5b\x5e-\x7e]{1,1000}$/.test(url) ? url : 'unprintable';
  return new CommandRefused('NO', 'The URL leads to nothing', `BADURL "${told}"`);
}
