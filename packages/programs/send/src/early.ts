// A message with one recipient, delivered while it is still in todo (S4 of qmail-queue-format(5); ADR 11).
//
//   step                          a crash right after it leaves, and what follows
//   delivery begun                S4: preprocessed and delivered again, as by any qmail-send
//   delivered                     S4: delivered twice
//   qmail-clean unlinks todo/N    S2: mess/S/N is garbage, collected after 36 h
//   qmail-clean unlinks mess/S/N  S1: nothing
//
// What is not delivered at the first attempt is preprocessed and goes on like any other message. Several recipients
// are preprocessed first: todo has no room to mark those that are done while others are under way.

import { closeSync, lstatSync, openSync, readSync, statSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import { decodeIntd } from '@q/queue-files';
import type { Context } from './context.ts';
import { READ_CHUNK } from './limits.ts';
import { infoLine } from './preprocess.ts';
import { type RewriteRules, rewriteRecipient } from './rewrite.ts';
import type { ChannelName } from './schedule.ts';

export interface EarlyMessage {
  readonly id: string;
  readonly sender: string;
  readonly channel: ChannelName;
  /** Rewritten by `rules`, which also hold if it is preprocessed after all. */
  readonly recipient: string;
  readonly rules: RewriteRules;
  /** For the log. */
  readonly info: string;
}

/** What becomes of one whose delivery has ended. */
export interface EarlyEnds {
  /** Delivered: nobody needs it any more. */
  delivered(message: EarlyMessage): void;
  /** Not delivered: brings it to S5. False when it is still in todo, where a later scan finds it. */
  preprocess(message: EarlyMessage): Promise<boolean>;
}

const scratch = Buffer.allocUnsafe(READ_CHUNK);

/**
 * The message, if it can be delivered from todo; 'gone' if it is not there. Undefined for anything else, trouble
 * included, which preprocess() meets again and reports; and where an earlier attempt has left files that must not
 * come to life.
 */
export function readEarly(context: Context, id: string): EarlyMessage | 'gone' | undefined {
  const { paths } = context;
  const { rules } = context.settings;
  try {
    const bytes = readSmall(paths.todo(id));
    if (bytes === undefined) return undefined;
    const { uid, pid, sender, recipients } = decodeIntd(bytes);
    const [only] = recipients;
    if (only === undefined || recipients.length > 1) return undefined;
    for (const left of [paths.info(id), paths.local(id), paths.remote(id), paths.bounce(id)])
      if (lstatSync(left, { throwIfNoEntry: false }) !== undefined) return undefined;
    const mess = statSync(paths.mess(id), { throwIfNoEntry: false });
    if (mess === undefined) return undefined;
    const { channel, address } = rewriteRecipient(only, rules);
    const info = infoLine(id, { size: mess.size, sender, pid, uid: String(uid) });
    return { id, sender, channel, recipient: address, rules, info };
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'gone' : undefined;
  }
}

/** A view of the file's bytes that is valid until the next call; undefined for a file that is not small. */
function readSmall(path: string): Buffer | undefined {
  const fd = openSync(path, 'r');
  try {
    const n = readSync(fd, scratch, 0, scratch.length, null);
    return n < scratch.length ? scratch.subarray(0, n) : undefined;
  } finally {
    closeSync(fd);
  }
}
