// A message on its way out: its envelope, checked, and its content.

import { quoteAddress } from '@q/address';
import { Permanent } from '@q/fault';
import type { Outgoing } from './outgoing.ts';

export interface RemoteMessage {
  /** Latin1 text without quotes or brackets; '' for a bounce. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly content: Outgoing;
}

/**
 * Throws Permanent for an address with a line break. It would start a command of its own on the server:
 * no quoting helps against that.
 */
export function checkAddress(address: string): string {
  if (/[\r\n]/.test(address))
    throw new Permanent("Sorry, I can't send to or from an address with a line break. (#5.1.3)");
  return address;
}

/** An address as it goes between angle brackets in SMTP. */
export function smtpPath(address: string): string {
  return quoteAddress(checkAddress(address));
}
