// The limits of a user's record, and those of maildirsize where the record has none: what does not fit bounces.
// The order and the words are those of VMailMgr's vcheckquota; sizes are bytes of messages.

import { bytesOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import { type Quota, quotaUsage, removeSizeFile, type Usage } from '@q/maildir';
import { UNLIMITED, type VirtualUser } from '@q/vmailmgr';
import { Bounce } from './bounce.ts';
import { readQuotaState, removeQuotaState, writeQuotaState } from './deliver-quota-state.ts';

const TOO_LARGE =
  'Sorry, this message is larger than the current maximum message size limit. (#5.2.3)';
const TOO_MANY =
  'Sorry, the person you sent this message has too many messages stored in the mailbox. (#5.2.2)';
const FULL = "Message would exceed virtual user's disk quota. (#5.2.2)";
const NEARLY_FULL =
  "Message would exceed virtual user's soft quota; a small message would still be taken. (#5.2.2)";

export interface Incoming {
  readonly user: VirtualUser;
  /** Bytes of the message as it came, and as it will be in the mailbox. */
  readonly size: number;
  readonly stored: number;
  /** Bytes that a message may have between the soft and the hard quota. */
  readonly softSize: number;
  /** For what keeps the quota from being looked at. */
  say(text: string): void;
}

/** A mailbox with a limit, before the message. */
export interface Room {
  readonly quota: Quota;
  /** Bytes; UNLIMITED when there is no soft quota below the hard one. */
  readonly soft: number;
  readonly usage: Usage;
}

/** Throws Bounce for a message that is too large for its user at any time. */
export function checkMessageSize({ user, size }: Incoming): void {
  if (size > user.messageSize) throw new Bounce(TOO_LARGE);
}

/**
 * Throws Bounce for a message that does not fit into the mailbox. Undefined when there is no limit, or nobody can
 * tell how full it is: trouble with the accounts is no reason to keep mail back.
 */
export async function checkRoom(incoming: Incoming): Promise<Room | undefined> {
  const { user, stored, softSize, say } = incoming;
  const quota = quotaOf(user);
  // Nothing needs to be counted for these.
  if (quota !== undefined && quota.messages < 1) throw new Bounce(TOO_MANY);
  if (quota !== undefined && quota.bytes < stored) throw new Bounce(FULL);
  const room = await roomOf(user, quota, stored, say);
  if (room === undefined) return undefined;
  const { usage, soft } = room;
  if (usage.messages + 1 > room.quota.messages) throw new Bounce(TOO_MANY);
  if (usage.bytes + stored > room.quota.bytes) throw new Bounce(FULL);
  if (usage.bytes + stored > soft && stored > softSize) throw new Bounce(NEARLY_FULL);
  return room;
}

/** The record's quota for maildirsize. A soft quota alone is a hard one. */
function quotaOf(user: VirtualUser): Quota | undefined {
  const bytes = user.hardQuota === UNLIMITED ? user.softQuota : user.hardQuota;
  if (bytes === UNLIMITED && user.messageCount === UNLIMITED) return undefined;
  return { bytes, messages: user.messageCount };
}

async function roomOf(
  user: VirtualUser,
  quota: Quota | undefined,
  stored: number,
  say: (text: string) => void,
): Promise<Room | undefined> {
  takeOver(user.directory, quota);
  const adding = { bytes: stored, messages: 1 };
  try {
    const found = await quotaUsage(bytesOf(user.directory), quota, adding);
    if (found === undefined) return undefined;
    const soft = user.softQuota < found.quota.bytes ? user.softQuota : UNLIMITED;
    return { ...found, soft };
  } catch (error) {
    say(`the quota was not looked at: ${faultOf(error, 'internal error').message}`);
    return undefined;
  }
}

/** maildirsize follows the record, also when that loses its limits. One that maildirmake(1) wrote stays. */
function takeOver(directory: string, quota: Quota | undefined): void {
  const state = readQuotaState(directory);
  const isOurs = state.owner === 'record';
  if (quota !== undefined && !isOurs) {
    writeQuotaState(directory, { ...state, owner: 'record' });
  } else if (quota === undefined && isOurs) {
    removeSizeFile(bytesOf(directory));
    removeQuotaState(directory);
  }
}
