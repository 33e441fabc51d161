// qmail-qread(8): the messages that qmail-send has in hand, with their recipients. What is still in todo is not
// shown, as ever; qmail-qmanage list shows it.

import type { Invocation } from '@q/proc';
import { jsonText, type Output, openOutput, shown } from '../output.ts';
import { openQueue, type QueueAccess } from './access.ts';
import { gmtDate } from './dates.ts';
import { type MessageHead, type Recipient, readHead, recipientsOf, trouble } from './message.ts';
import { splitIds } from './walk.ts';

export function qreadMain({ env, options }: Invocation): number {
  const out = openOutput();
  const ok = printQueue(openQueue(env), out, options.json === true ? jsonMessage : classicMessage);
  out.flush();
  return ok ? 0 : 111;
}

type Style = (out: Output, head: MessageHead, recipients: Iterable<Recipient>) => void;

/** False when a message could not be shown; it has a line that says so. */
function printQueue({ paths }: QueueAccess, out: Output, print: Style): boolean {
  let ok = true;
  for (const id of splitIds(paths, 'info')) {
    if (out.closed) return ok;
    try {
      const head = readHead(paths, id);
      if (head !== undefined) print(out, head, recipientsOf(paths, id));
    } catch (error) {
      ok = false;
      out.flush();
      process.stderr.write(`qmail-qread: warning: trouble with #${id}: ${trouble(error)}\n`);
    }
  }
  return ok;
}

/** A line for the message and one for each recipient, as scripts have always read them. */
function classicMessage(out: Output, head: MessageHead, recipients: Iterable<Recipient>): void {
  const size = head.size ?? 0;
  const bouncing = head.bouncing ? ' bouncing' : '';
  out.write(`${gmtDate(head.birth)}  #${head.id}  ${size}  <${shown(head.sender)}> ${bouncing}\n`);
  for (const { channel, address, done } of recipients)
    out.write(`${done ? '  done' : ''}\t${channel}\t${shown(address)}\n`);
}

/** One object a line. The recipients are written as they are read: there may be very many. */
function jsonMessage(out: Output, head: MessageHead, recipients: Iterable<Recipient>): void {
  const { sender, ...rest } = head;
  const opening = JSON.stringify({ ...rest, sender: jsonText(sender) }).slice(0, -1);
  out.write(asBytes(`${opening},"recipients":[`));
  let separator = '';
  for (const recipient of recipients) {
    const text = JSON.stringify({ ...recipient, address: jsonText(recipient.address) });
    out.write(separator + asBytes(text));
    separator = ',';
  }
  out.write(']}\n');
}

function asBytes(json: string): string {
  return Buffer.from(json, 'utf8').toString('latin1');
}
