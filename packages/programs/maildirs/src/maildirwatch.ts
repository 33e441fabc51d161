// maildirwatch(1): shows, twice a minute, what is new in $MAILDIR.

import { statSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, faultOf, Permanent, Temporary } from '@q/fault';
import { closeFd, readChunks } from '@q/fsx';
import { cleanTmp, type Entry, openEntry, scanMaildir, statEntry } from '@q/maildir';
import type { Invocation } from '@q/proc';
import { HeaderReader, parseField } from '@q/rfc822';
import { doing } from './doing.ts';
import { SUMMARY_FIELD, SUMMARY_TEXT, WATCH_SECONDS } from './limits.ts';

/** Never ends, unless with --once. Throws Temporary. */
export async function maildirwatchMain({ env, options }: Invocation): Promise<number> {
  const maildir = env.MAILDIR;
  if (maildir === undefined) throw new Temporary('MAILDIR not set');
  const seconds = typeof options.every === 'number' ? options.every : WATCH_SECONDS;
  if (!(seconds > 0)) throw new Permanent('--every takes a number of seconds');
  for (;;) {
    const text = await summaries(maildir).catch((error: unknown) => {
      const fault = faultOf(error, 'trouble reading new message');
      throw fault instanceof Permanent ? new Temporary(fault.message, { cause: error }) : fault;
    });
    if (options.once === true) {
      show(text);
      return 0;
    }
    show(CLEAR + text);
    await sleep(seconds * 1000);
  }
}

/** One paragraph for each message in new, oldest first. */
async function summaries(maildir: string): Promise<string> {
  await doing(`unable to chdir to ${maildir}`, () => statSync(maildir));
  await cleanTmp(maildir).catch(() => 0); // Garbage may stay.
  const messages: { entry: Entry; mtime: number }[] = [];
  for (const entry of await scanMaildir(maildir)) {
    if (entry.dir !== 'new') continue;
    const stats = await statEntry(maildir, entry);
    if (stats !== undefined) messages.push({ entry, mtime: stats.mtime });
  }
  messages.sort((a, b) => a.mtime - b.mtime || (a.entry.name < b.entry.name ? -1 : 1));
  let text = '';
  for (const { entry } of messages) text += await summary(maildir, entry);
  return text;
}

async function summary(maildir: string, entry: Entry): Promise<string> {
  const fd = await openEntry(maildir, entry);
  if (fd === undefined) return ''; // Read and moved since the scan.
  try {
    const { sender, recipient, from, text } = await look(fd);
    const bold = from === '' ? '' : `${BOLD}${printable(from, '/')}${PLAIN}\n`;
    const head = `FROM ${printable(sender, '?')} TO <${printable(recipient, '?')}>\n`;
    return `${head}${bold}${printable(text, '/')}\n\n`;
  } finally {
    await closeFd(fd);
  }
}

/** The last Return-Path and Delivered-To, the whole From field, and the start of subject and body. */
async function look(fd: number) {
  const seen = { sender: '?', recipient: '?', from: '', text: '' };
  const add = (more: string) => {
    if (seen.text.length < SUMMARY_TEXT) seen.text = (seen.text + more).slice(0, SUMMARY_TEXT);
  };
  const onField = (field: string) => {
    const { key, body } = parseField(field) ?? { key: '', body: '' };
    const value = body.replace(/^[ \t]+/, '').slice(0, SUMMARY_FIELD);
    if (key === 'subject') add(`${value}\n`);
    else if (key === 'return-path') seen.sender = value;
    else if (key === 'delivered-to') seen.recipient = value;
    else if (key === 'from') seen.from = field.slice(0, SUMMARY_FIELD).replace(/\n$/, '');
  };
  const header = new HeaderReader({ onField });
  for await (const chunk of readChunks(fd, 0)) {
    const body = header.push(chunk);
    // Without the empty line between.
    if (header.done) add((body ?? chunk).toString('latin1', body === undefined ? 0 : 1, 1024));
    if (header.done && seen.text.length >= SUMMARY_TEXT) break;
  }
  header.end();
  return seen;
}

/** What a stranger wrote must not steer the terminal. */
function printable(text: string, instead: string): string {
  return text.replace(/[^ -~]/g, instead);
}

function show(text: string): void {
  for (let bytes = Buffer.from(text, 'latin1'); bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw faultOf(error, 'unable to write output');
    }
  }
}

const CLEAR = '\x1b[;H\x1b[;J';
const BOLD = '\x1b[1m';
const PLAIN = '\x1b[0m';
