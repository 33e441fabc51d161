// qmail-qmanage show: one message in full: envelope, what has failed so far, and the message's header, or,
// with --message, the message itself.

import { closeSync, openSync, readSync } from 'node:fs';
import { textOf } from '@q/bytes';
import type { QueuePaths } from '@q/queue-files';
import { jsonText, type Output, shown } from '../../output.ts';
import { openQueue } from '../access.ts';
import { gmtDate } from '../dates.ts';
import { openIfThere, trouble } from '../message.ts';
import { complain } from './list.ts';
import type { Request } from './qmanage.ts';
import { addresseesOf, type Candidate, lookUp } from './selection.ts';

/** Bytes of header and of failure reports that are shown; a hostile message has endless ones. */
const TEXT_MAX = 32_768;

/** 0, or 111 when a message is not there or cannot be read. */
export function show({ invocation, selection, json, message }: Request, out: Output): number {
  const { paths } = openQueue(invocation.env);
  let code = 0;
  for (const id of selection.ids) {
    try {
      const found = lookUp(paths, id);
      if (found === undefined) code = complain(out, `no message ${id} in the queue`);
      else if (message) copyMessage(paths, id, out);
      else if (json) jsonDetails(paths, found, out);
      else details(paths, found, out);
    } catch (error) {
      code = complain(out, `trouble with #${id}: ${trouble(error)}`);
    }
  }
  return code;
}

function details(paths: QueuePaths, found: Candidate, out: Output): void {
  const state = found.unprocessed ? 'new' : 'waiting';
  out.write(`message:    ${found.id}, ${found.size ?? '?'} bytes\n`);
  out.write(`state:      ${state}${found.bouncing ? ', some recipients failed' : ''}\n`);
  out.write(`queued:     ${gmtDate(found.birth)}\n`);
  out.write(`sender:     <${shown(found.sender)}>\n`);
  for (const { channel, address, done } of addresseesOf(paths, found)) {
    const how = done ? 'done' : channel === 'todo' ? 'new' : channel;
    out.write(`recipient:  ${how.padEnd(6)} <${shown(address)}>\n`);
  }
  const failures = found.unprocessed ? '' : beginningOf(paths.bounce(found.id));
  if (failures !== '') out.write(`\nfailed so far:\n${printable(failures)}`);
  out.write(`\nheader:\n${printable(headerIn(beginningOf(paths.mess(found.id))))}`);
}

function jsonDetails(paths: QueuePaths, found: Candidate, out: Output): void {
  const recipients = [...addresseesOf(paths, found)].map((addressee) => ({
    ...addressee,
    address: jsonText(addressee.address),
  }));
  const failures = found.unprocessed ? '' : beginningOf(paths.bounce(found.id));
  out.json({
    ...found,
    sender: jsonText(found.sender),
    recipients,
    failures: jsonText(failures),
    header: jsonText(headerIn(beginningOf(paths.mess(found.id)))),
  });
}

/** Byte for byte. */
function copyMessage(paths: QueuePaths, id: string, out: Output): void {
  const fd = openSync(paths.mess(id), 'r');
  try {
    const buffer = Buffer.allocUnsafe(65_536);
    for (let at = 0; !out.closed; ) {
      const n = readSync(fd, buffer, 0, buffer.length, at);
      if (n === 0) return;
      out.write(textOf(buffer.subarray(0, n)));
      at += n;
    }
  } finally {
    closeSync(fd);
  }
}

function headerIn(text: string): string {
  const end = text.indexOf('\n\n');
  return end < 0 ? text : text.slice(0, end + 1);
}

/** The first bytes of a file; '' when it is not there. */
function beginningOf(path: string): string {
  const fd = openIfThere(path);
  if (fd === undefined) return '';
  try {
    const buffer = Buffer.alloc(TEXT_MAX);
    return textOf(buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0)));
  } finally {
    closeSync(fd);
  }
}

/** Lines stay lines; a message must not write to the admin's terminal what it likes. */
function printable(text: string): string {
  const safe = text.replace(/\t/g, ' ').replace(/[^ -~\n]/g, '_');
  return safe.endsWith('\n') || safe === '' ? safe : `${safe}\n`;
}
