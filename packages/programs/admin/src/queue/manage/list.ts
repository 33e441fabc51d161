// qmail-qmanage list: a table for people, a line a message, or JSON.

import { jsonText, type Output, shown } from '../../output.ts';
import { openQueue, type QueueAccess } from '../access.ts';
import { age } from '../dates.ts';
import { trouble } from '../message.ts';
import type { Request } from './qmanage.ts';
import { addresseesOf, type Candidate, idsOf, isSelected, lookUp } from './selection.ts';

/** 0, or 111 when a message asked for by number is not there or one could not be read. */
export function list(request: Request, out: Output): number {
  const { paths } = openQueue(request.invocation.env);
  const { selection, json } = request;
  const now = Math.floor(Date.now() / 1000);
  let code = 0;
  let shownAny = false;
  for (const id of idsOf(paths, selection)) {
    if (out.closed) break;
    try {
      const candidate = lookUp(paths, id);
      if (candidate === undefined) {
        if (selection.ids.length > 0) code = complain(out, `no message ${id} in the queue`);
        continue;
      }
      if (!isSelected(selection, candidate, addresseesOf(paths, candidate), now)) continue;
      const row = { ...candidate, ...countOf(paths, candidate) };
      if (json) out.json({ ...row, sender: jsonText(row.sender), first: jsonText(row.first) });
      else {
        if (!shownAny) out.write(HEADINGS);
        out.write(lineOf(row, now));
      }
      shownAny = true;
    } catch (error) {
      code = complain(out, `trouble with #${id}: ${trouble(error)}`);
    }
  }
  return code;
}

/** Says it on descriptor 2, in order with what went to the output. Gives the exit code that follows from it. */
export function complain(out: Output, line: string): number {
  out.flush();
  process.stderr.write(`qmail-qmanage: ${line}\n`);
  return 111;
}

interface Count {
  readonly waiting: number;
  readonly done: number;
  /** The first recipient who waits. */
  readonly first: string;
}

function countOf(paths: QueueAccess['paths'], candidate: Candidate): Count {
  let waiting = 0;
  let done = 0;
  let first = '';
  for (const addressee of addresseesOf(paths, candidate)) {
    if (addressee.done) done++;
    else if (waiting++ === 0) first = addressee.address;
  }
  return { waiting, done, first };
}

const HEADINGS = '   NUMBER  AGE   BYTES  STATE     SENDER -> WAITING RECIPIENTS\n';

function lineOf(row: Candidate & Count, now: number): string {
  const number = row.id.padStart(9);
  const since = age(now - row.birth).padStart(4);
  const bytes = (row.size === undefined ? '?' : size(row.size)).padStart(7);
  const state = stateOf(row).padEnd(8);
  const more = row.waiting > 1 ? ` and ${row.waiting - 1} more` : '';
  const to = row.waiting === 0 ? '(none)' : `${shown(row.first)}${more}`;
  return `${number} ${since} ${bytes}  ${state}  <${shown(row.sender)}> -> ${to}\n`;
}

function stateOf(row: Candidate): string {
  if (row.unprocessed) return 'new';
  return row.bouncing ? 'bouncing' : 'waiting';
}

/** Bytes as people read them: 999, 1.2k, 15k, 3.4M. */
function size(bytes: number): string {
  const steps = ['', 'k', 'M', 'G', 'T'];
  let value = bytes;
  let step = 0;
  for (; value >= 1000 && step < steps.length - 1; step++) value /= 1000;
  const digits = step > 0 && value < 10 ? value.toFixed(1) : String(Math.floor(value));
  return `${digits}${steps[step]}`;
}
