// The attributes of a user that are changed one at a time, by the names of vchattr(1)'s options.

import { Permanent } from '@q/fault';
import { UNLIMITED, type VirtualUser } from '@q/vmailmgr';

const CHANGES = {
  msgcount: (value: string) => ({ messageCount: numberOf(value) }),
  expiry: (value: string) => ({ expiry: numberOf(value) }),
  enabled: (value: string) => ({ mailboxEnabled: numberOf(value) !== 0 }),
  personal: (value: string) => ({ personal: value }),
  softquota: (value: string) => ({ softQuota: numberOf(value) }),
  hardquota: (value: string) => ({ hardQuota: numberOf(value) }),
  msgsize: (value: string) => ({ messageSize: numberOf(value) }),
} satisfies Record<string, (value: string) => Partial<VirtualUser>>;

export type Attribute = keyof typeof CHANGES;

export const ATTRIBUTES = Object.keys(CHANGES) as readonly Attribute[];

/**
 * `user` with one attribute changed to `value` (latin1): bytes, messages, an absolute Unix time, 0 or 1, or text.
 * Throws Permanent for what is no number where there must be one.
 */
export function withAttribute(user: VirtualUser, attribute: Attribute, value: string): VirtualUser {
  return { ...user, ...CHANGES[attribute](value) };
}

/** number = 1*DIGIT / "-" *ANY ; the latter is no limit */
function numberOf(value: string): number {
  if (value.startsWith('-')) return UNLIMITED;
  if (!/^[0-9]+$/.test(value) || !Number.isSafeInteger(Number(value)))
    throw new Permanent('Invalid number');
  return Number(value);
}
