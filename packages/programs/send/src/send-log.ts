// qmail-send's log, on fd 0 (qmail-log(5)): lines that qmailanalog and people parse, so the forms are fixed.
// The lines of one turn of the event loop go out together, each whole in one write. A log that is full or gone never
// stops mail for good.

import { writeSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import { LOG_BATCH, LOG_PATIENCE } from './limits.ts';

/** Takes a line without its LF, already safe; never throws. */
export type SendLog = (line: string) => void;

/**
 * Foreign text made fit for the log: LF becomes "/", blanks, controls, 8-bit bytes and "%" become "_".
 * Latin1 text, so one character is one byte.
 */
export function safeText(text: string): string {
  return text.replace(/\n/g, '/').replace(/[^\x21-\x24\x26-\x7e]/g, '_');
}

/**
 * A log on an open descriptor. A descriptor that blocks is waited for, as every logger pipe is; one in
 * non-blocking mode is polled for LOG_PATIENCE seconds, after which lines are dropped until it takes
 * bytes again. What is held is written at the latest when the process exits; kill -9 takes it along.
 */
export function openSendLog(fd: number): SendLog {
  const write = patientWriter(fd);
  let held = '';
  let flushing: NodeJS.Immediate | undefined;
  const flush = () => {
    clearImmediate(flushing);
    flushing = undefined;
    const text = held;
    held = '';
    if (text !== '') write(Buffer.from(text, 'latin1'));
  };
  process.once('exit', flush);
  return (line) => {
    if (held.length + line.length >= LOG_BATCH) flush();
    held += `${line}\n`;
    flushing ??= setImmediate(flush);
  };
}

function patientWriter(fd: number): (bytes: Buffer) => void {
  let patient = true;
  return (bytes) => {
    const deadline = performance.now() + (patient ? LOG_PATIENCE * 1000 : 0);
    let at = 0;
    while (at < bytes.length) {
      try {
        at += writeSync(fd, bytes, at);
        patient = true;
      } catch (error) {
        if (errnoOf(error) === 'EINTR') continue;
        // EPIPE: the logger is gone. Mail goes on.
        if (errnoOf(error) !== 'EAGAIN') return;
        if (performance.now() >= deadline) {
          patient = false;
          return;
        }
        pause(10);
      }
    }
  };
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
