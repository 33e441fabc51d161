// intd/N, and todo/N which is a link to it: who queued the message, from whom, for whom. qmail-queue-format(5).
//
//   intd = "u" 1*DIGIT NUL "p" 1*DIGIT NUL "F" address NUL *( "T" address NUL )
//
// Example: u1000 NUL p123 NUL Fjoe@example.org NUL Tann@example.net NUL (written without the blanks).

import { Temporary } from '@q/fault';
import { encodeRecord, RecordDecoder } from './records.ts';

export interface QueuedEnvelope {
  /** Real uid of qmail-queue's caller. */
  readonly uid: number;
  /** qmail-queue's pid, or the number that stands for it; decimal, as log lines show it after "qp". */
  readonly pid: string;
  readonly sender: string;
  readonly recipients: readonly string[];
}

export function encodeIntd(envelope: {
  readonly uid: number;
  readonly pid: number | string;
  readonly sender: string;
  readonly recipients: Iterable<string>;
}): Buffer {
  const pieces = [encodeIntdHead(envelope), encodeRecord('F', envelope.sender)];
  for (const recipient of envelope.recipients) pieces.push(encodeRecord('T', recipient));
  return Buffer.concat(pieces);
}

/** The first two records, for a writer that streams: the envelope's own bytes, without its last NUL, are the rest. */
export function encodeIntdHead(by: {
  readonly uid: number;
  readonly pid: number | string;
}): Buffer {
  return Buffer.concat([encodeRecord('u', String(by.uid)), encodeRecord('p', String(by.pid))]);
}

/**
 * Decodes a whole file; for one that may be large, read its records with readRecords(). Throws Temporary
 * when it is not complete: nothing is bounced because of a damaged file.
 */
export function decodeIntd(bytes: Buffer): QueuedEnvelope {
  const decoder = new RecordDecoder();
  const records = decoder.push(bytes);
  if (!decoder.atBoundary) throw damaged();
  const [uid, pid, sender, ...rest] = records;
  if (uid?.type !== 'u' || !isNumber(uid.text)) throw damaged();
  if (pid?.type !== 'p' || !isNumber(pid.text)) throw damaged();
  if (sender?.type !== 'F' || rest.some((record) => record.type !== 'T')) throw damaged();
  return {
    uid: Number(uid.text),
    pid: pid.text,
    sender: sender.text,
    recipients: rest.map((record) => record.text),
  };
}

function isNumber(text: string): boolean {
  return /^[0-9]{1,20}$/.test(text);
}

function damaged(): Temporary {
  return new Temporary('damaged todo file');
}
