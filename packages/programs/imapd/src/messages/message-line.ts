// Untagged answers about messages: FETCH or, for a client that has no use for message numbers, UIDFETCH (RFC 9586).

import { formatSequenceSet, type NumberRange } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';
import type { Session } from '../session.ts';
import { flagsText } from './flags.ts';

/** "12 FETCH (" or "4711 UIDFETCH (", after "* ". */
export function fetchHead(uidOnly: boolean, number: number, uid: number): string {
  return uidOnly ? `* ${uid} UIDFETCH (` : `* ${number} FETCH (`;
}

/** A message's flags, unasked: with the UID for a client of QRESYNC (RFC 7162, section 3.2.4), with MODSEQ for one of CONDSTORE. */
export function flagsLine(
  session: Session,
  message: FolderMessage,
  number: number,
  recent: boolean,
): string {
  return `${lineStart(session, message, number)}FLAGS (${flagsText(message, recent)})${
    tellsModseq(session) ? ` MODSEQ (${message.modseq})` : ''
  })\r\n`;
}

/** The mod-sequence alone: what is left of the answer to STORE with .SILENT (RFC 7162, section 3.1.3). */
export function modseqLine(session: Session, message: FolderMessage, number: number): string {
  return `${lineStart(session, message, number)}MODSEQ (${message.modseq}))\r\n`;
}

function lineStart(session: Session, { uid }: FolderMessage, number: number): string {
  const uidOnly = session.enabled.has('UIDONLY');
  const head = fetchHead(uidOnly, number, uid);
  // RFC 7162, section 3.2.4; RFC 5465, section 5.1.
  const tellsUid = session.enabled.has('QRESYNC') || session.notifier !== undefined;
  return tellsUid && !uidOnly ? `${head}UID ${uid} ` : head;
}

/** The client uses mod-sequences. */
export function tellsModseq({ enabled }: Session): boolean {
  return enabled.has('CONDSTORE') || enabled.has('QRESYNC');
}

/** \Recent and RECENT are no more in IMAP4rev2 (RFC 9051, appendix E). */
export function tellsRecent({ enabled }: Session): boolean {
  return !enabled.has('IMAP4REV2');
}

/** Messages are gone by UID, not by number. */
export function tellsVanished({ enabled }: Session): boolean {
  return enabled.has('QRESYNC') || enabled.has('UIDONLY');
}

/** "* VANISHED" lines for ascending UIDs, none of a length that a client might not take. */
export function vanishedLines(uids: readonly number[]): string {
  let text = '';
  for (let at = 0; at < uids.length; at += UIDS_A_LINE)
    text += `* VANISHED ${formatSequenceSet(uids.slice(at, at + UIDS_A_LINE))}\r\n`;
  return text;
}

/** "* VANISHED (EARLIER)" lines for ascending ranges of UIDs. */
export function vanishedEarlierLines(ranges: readonly NumberRange[]): string {
  let text = '';
  for (let at = 0; at < ranges.length; at += UIDS_A_LINE) {
    const set = ranges
      .slice(at, at + UIDS_A_LINE)
      .map(([first, last]) => (first === last ? `${first}` : `${first}:${last}`));
    text += `* VANISHED (EARLIER) ${set.join(',')}\r\n`;
  }
  return text;
}

/** Some 8 kB, which RFC 7162, section 4 has every client read. */
const UIDS_A_LINE = 500;
