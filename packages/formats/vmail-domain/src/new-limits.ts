// The limits of a new user: options of vadduser(1), else the domain's default-* settings.

import { Permanent } from '@q/fault';
import type { Invocation } from '@q/proc';
import { type Settings, UNLIMITED, type VirtualUser } from '@q/vmailmgr';

export type UserLimits = Pick<
  VirtualUser,
  'hardQuota' | 'softQuota' | 'messageSize' | 'messageCount' | 'expiry'
>;

/** `now` is a Unix time in seconds: an expiry is given in seconds from it. Throws Permanent for what is no number. */
export function limitsOf(
  options: Invocation['options'],
  settings: Settings,
  now: number,
): UserLimits {
  const limit = (option: string) =>
    numberIn(options[option]) || settings.number(`default-${option}` as DefaultName);
  const lifetime = limit('expiry');
  return {
    hardQuota: limit('hardquota'),
    softQuota: limit('softquota'),
    messageSize: limit('msgsize'),
    messageCount: limit('msgcount'),
    expiry: lifetime === UNLIMITED ? UNLIMITED : now + lifetime,
  };
}

type DefaultName =
  | 'default-hardquota'
  | 'default-softquota'
  | 'default-msgsize'
  | 'default-msgcount'
  | 'default-expiry';

/** number = 1*DIGIT / "-" *ANY ; the latter is no limit. 0 when there is no such option. */
function numberIn(option: Invocation['options'][string]): number {
  if (option === undefined) return 0;
  const text = String(option);
  if (text.startsWith('-')) return UNLIMITED;
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new Permanent(`Invalid number '${text}'`);
  return Number(text);
}
