// The lines qmail-local puts before a message, and gives to programs in UFLINE, RPLINE and DTLINE
// (qmail-command(8), mbox(5)). Each is one line with its LF, whatever bytes the address has.

import { quoteAddress } from '@q/address';
import { asctime } from './date.ts';

/** RPLINE: `Return-Path: <SENDER>`, the sender quoted as in SMTP; `<>` for a bounce. */
export function returnPathLine(sender: string): string {
  return `Return-Path: <${quoteAddress(sender).replaceAll('\n', '_')}>\n`;
}

/** DTLINE: `Delivered-To: ADDRESS`. A message that already has this very line is looping. */
export function deliveredToLine(address: string): string {
  return `Delivered-To: ${address.replaceAll('\n', '_')}\n`;
}

/** UFLINE, the mbox separator: `From SENDER Sun Sep 03 04:46:53 1995`. `now` is a Unix time in seconds. */
export function fromLine(sender: string, now: number): string {
  const who = sender === '' ? 'MAILER-DAEMON' : sender.replace(/[ \t\n]/g, '-');
  return `From ${who} ${asctime(now)}\n`;
}
