// replier(1): answers a message by itself, once for each sender, and never another program's: RFC 3834.

import { answerOnce, readReplyText } from '@q/autoreply';
import { faultOf, Permanent, Temporary } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { EXIT } from './exit-codes.ts';
import { parseFlags } from './flags.ts';
import { readHeader } from './header.ts';
import { REPLY_DAYS } from './limits.ts';
import { report } from './report.ts';
import { deliveryVariable, enqueue } from './requeue.ts';

const DAY = 86_400;

/** 0 whether or not there was a reply; the line on descriptor 2 tells. Throws Temporary for any trouble. */
export async function replierMain({ args, env }: Invocation): Promise<number> {
  const settings = settingsOf(args, env);
  if (settings === undefined) {
    report('replier: usage: replier [-d days] [-m memory] [-a address] ... textfile');
    return EXIT.PERMANENT;
  }
  try {
    report(`replier: ${await answer(settings, env)}`);
    return EXIT.OK;
  } catch (error) {
    // A reply that cannot be sent must not bounce the message.
    const fault = faultOf(error, `unable to reply with ${settings.file}`);
    throw fault instanceof Permanent ? new Temporary(fault.message, { cause: error }) : fault;
  }
}

interface Settings {
  readonly file: string;
  readonly memory: string;
  readonly days: number;
  /** Our addresses, latin1; the first is the one the reply is from. */
  readonly own: readonly [string, ...string[]];
  readonly sender: string;
}

function settingsOf(args: readonly string[], env: Invocation['env']): Settings | undefined {
  const flags = parseFlags(args, 'd:m:a:');
  const [file, ...others] = flags?.words ?? [];
  if (flags === undefined || file === undefined || others.length > 0) return undefined;
  const valuesOf = (wanted: string) =>
    flags.given.filter(({ letter }) => letter === wanted).map(({ value }) => value);
  const days = valuesOf('d').at(-1) ?? String(REPLY_DAYS);
  if (!/^[0-9]{1,4}$/.test(days) || Number(days) === 0) return undefined;
  const recipient = deliveryVariable(env, 'RECIPIENT');
  const [address = recipient, ...addresses] = valuesOf('a').map(mailText);
  return {
    file,
    memory: valuesOf('m').at(-1) ?? `${file}.sent`,
    days: Number(days),
    own: [address, ...addresses, recipient],
    sender: deliveryVariable(env, 'SENDER'),
  };
}

/** What has been done, for the log. */
async function answer(settings: Settings, env: Invocation['env']): Promise<string> {
  const { file, memory, days, own, sender } = settings;
  const text = readReplyText(file); // First: a mistake in it shows with the first message.
  const answered = await answerOnce({
    sender,
    own,
    memory: { path: memory, seconds: days * DAY },
    now: Math.floor(Date.now() / 1000),
    pid: process.pid,
    program: 'replier',
    readHeader,
    textFor: () => text,
    send: (message) => enqueue(env, '', [sender], (writer) => writer.write(message)),
  });
  return 'qp' in answered ? `qp ${answered.qp}` : `no reply: ${answered.silence}`;
}
