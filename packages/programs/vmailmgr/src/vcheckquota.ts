// vcheckquota: refuses a message that would bring a virtual user over a limit. vcheckquota(1). Run from
// vdeliver-predeliver, with the message on descriptor 0.

import { fstatSync, symlinkSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { errnoText, faultOf, Permanent, Temporary } from '@q/fault';
import { uniqueName } from '@q/maildir';
import { type Invocation, mailText } from '@q/proc';
import { UNLIMITED } from '@q/vmailmgr';
import { allocated, diskUsage } from './maildir-disk-usage.ts';
import { type Output, standardOutput } from './output.ts';

const EXIT_OK = 0;
/** The largest message that still comes in over the soft quota, if not said otherwise. */
const SMALL_MESSAGE = 4096;
const WARNING = 'softquota-warning';

/** The texts are VMailMgr's; the sender reads them. */
const TOO_LARGE = 'Sorry, this message is larger than the current maximum message size limit.';
const TOO_MANY =
  'Sorry, the person you sent this message has too many messages stored in the mailbox';
const OVER_HARD = "Message would exceed virtual user's disk quota.";
const OVER_SOFT =
  "Sorry, your message cannot be delivered.\nUser's disk quota exceeded.\n" +
  'A small message will be delivered should you wish to inform this person.';

interface Limits {
  readonly messageSize: number;
  readonly messageCount: number;
  readonly hardQuota: number;
  readonly softQuota: number;
}

interface Soft {
  /** Bytes. */
  readonly maxSize: number;
  /** What is linked into the mailbox as a warning. */
  readonly message: string | undefined;
}

/** Exit code 0 to go on, 100 to bounce the message, 111 to try later. */
export function vcheckquotaMain(invocation: Invocation, output: Output = standardOutput): number {
  try {
    check(invocation);
    return EXIT_OK;
  } catch (error) {
    const fault = faultOf(error, 'internal error');
    output.err(`vcheckquota: ${fault.message}\n`);
    return fault.exitCode;
  }
}

function check({ env, options }: Invocation): void {
  const soft = softOf(options);
  if (env.MAILDIR === undefined) throw new Temporary('MAILDIR is not set');
  if (env.MAILDIR === '') return; // an alias keeps nothing
  const limits: Limits = {
    messageSize: limitIn(env, 'VUSER_MSGSIZE'),
    messageCount: limitIn(env, 'VUSER_MSGCOUNT'),
    hardQuota: limitIn(env, 'VUSER_HARDQUOTA'),
    softQuota: limitIn(env, 'VUSER_SOFTQUOTA'),
  };
  const size = messageSize();
  if (size > limits.messageSize) throw new Permanent(TOO_LARGE);
  const { messageCount, hardQuota, softQuota } = limits;
  if ([messageCount, hardQuota, softQuota].every((limit) => limit === UNLIMITED)) return;
  const maildir = mailText(env.MAILDIR);
  const used = diskUsage(maildir);
  if (used.messages + 1 > messageCount) throw new Permanent(TOO_MANY);
  const total = used.bytes + size;
  // A soft quota alone counts as a hard one.
  if (total > (hardQuota === UNLIMITED ? softQuota : hardQuota)) throw new Permanent(OVER_HARD);
  if (total <= softQuota) return;
  if (soft.message !== undefined) linkWarning(maildir, soft.message);
  if (size > soft.maxSize) throw new Permanent(OVER_SOFT);
}

function softOf(options: Invocation['options']): Soft {
  const size = options['soft-maxsize'];
  if (size !== undefined && !/^[0-9]{1,15}$/.test(String(size)))
    throw new Temporary(`'${size}' is no size`);
  const message = options['soft-message'];
  return {
    maxSize: size === undefined ? SMALL_MESSAGE : Number(size),
    message: message === undefined ? undefined : mailText(String(message)),
  };
}

/** limit = 1*DIGIT / "-" ; as hooks get it. Throws Temporary. */
function limitIn(env: Readonly<NodeJS.ProcessEnv>, name: string): number {
  const text = env[name];
  if (text === undefined) throw new Temporary(`${name} is not set`);
  if (text === '-') return UNLIMITED;
  if (!/^[0-9]{1,15}$/.test(text)) throw new Temporary(`${name} is not a valid number`);
  return Number(text);
}

function messageSize(): number {
  try {
    return allocated(fstatSync(0));
  } catch (cause) {
    throw new Temporary('Failed to stat message', { cause });
  }
}

function linkWarning(maildir: string, message: string): void {
  try {
    symlinkSync(bytesOf(message), bytesOf(`${maildir}/new/${uniqueName({ host: WARNING })}`));
  } catch (cause) {
    throw new Temporary(
      `Could not create symlink to soft quota warning message: ${errnoText(cause)}`,
      { cause },
    );
  }
}
