// One client that has logged in, from our first words to the end; whoever hosts the connection.

import { resolve } from 'node:path';
import { faultOf } from '@q/fault';
import { programBeside } from '@q/fsx';
import { escapeForLog, type Log, openLog } from '@q/log';
import { type Conn, Disconnected, Timeout } from '@q/session';
import { Accounts } from './accounts.ts';
import { capabilityList } from './connection/capability.ts';
import { Dispatcher, type Ending } from './dispatch.ts';
import type { Traffic } from './log-lines.ts';
import { ImapSession } from './session-state.ts';
import { type Env, type ImapdSettings, readSettings, wishOf } from './settings.ts';

/** Who has logged in, and to what. */
export interface LoggedIn {
  readonly user: string;
  /** Relative to the working directory, or absolute. */
  readonly maildir: string;
  /** Of the LOGIN or AUTHENTICATE that is to be answered; undefined: the client was let in without (PREAUTH). */
  readonly tag: string | undefined;
  /** Settings, and the account's options. */
  readonly env: Env;
}

/** All sessions of this process share what they have open. */
let accounts: Accounts | undefined;

/**
 * Serves until the client is gone; `traffic` is what it came to, whatever is thrown. Throws what the connection throws, and
 * what nobody foresaw. Closing is the host's.
 */
export async function serveClient(
  conn: Conn,
  who: LoggedIn,
  log: Log,
  traffic: { -readonly [Each in keyof Traffic]: number },
): Promise<Ending> {
  const { user, tag } = who;
  const say = (line: string) => log(`${escapeForLog(line, 1000)}, user=${escapeForLog(user)}`);
  const opened = await open(who).catch((error: unknown) => {
    say(`warning: ${faultOf(error, 'internal error').message}`);
    return undefined;
  });
  if (opened === undefined || isOff(opened.settings, who.env)) {
    conn.write(refusal(tag, opened === undefined));
    opened?.release();
    return 'disconnected';
  }
  const { settings, release } = opened;
  const session = new ImapSession(conn, {
    user,
    settings: settings.session,
    holdings: opened,
    log: say,
  });
  const dispatcher = new Dispatcher(conn, session);
  try {
    const greeting = `OK [${capabilityList(settings.session, dispatcher.compressible)}] Logged in`;
    session.write(
      tag === undefined ? `* PREAUTH${greeting.slice(2)}\r\n` : `${tag} ${greeting}\r\n`,
    );
    return await dispatcher.run();
  } catch (error) {
    if (error instanceof Disconnected || error instanceof Timeout) return 'disconnected';
    session.untagged('BYE [SERVERBUG] Internal error');
    throw error;
  } finally {
    Object.assign(traffic, session.counts, {
      rcvd: dispatcher.input.received,
      sent: session.sent,
    });
    release();
  }
}

/** To be called once no session is left and the process ends: what is remembered of messages is written. */
export async function endServing(): Promise<void> {
  await accounts?.end();
  accounts = undefined;
}

async function open({ user, maildir, env }: LoggedIn) {
  const settings = readSettings(env);
  process.umask(settings.umask);
  accounts ??= new Accounts(openLog('imapd'), ownReader());
  return { ...(await accounts.enter(wishOf(settings, user, resolve(maildir)))), settings };
}

/** Of an installation; where it is missing, imapd does without. */
function ownReader(): string | undefined {
  try {
    return programBeside(resolve(process.argv[1] ?? '.'), 'imap-reader');
  } catch {
    return undefined;
  }
}

function isOff({ disabled, disabledInClear }: ImapdSettings, env: Env): boolean {
  return disabled || (disabledInClear && env.IMAP_TLS !== '1');
}

function refusal(tag: string | undefined, trouble: boolean): string {
  const why = trouble
    ? '[UNAVAILABLE] Temporary trouble, please try again'
    : '[AUTHORIZATIONFAILED] IMAP is turned off for this account';
  return `${tag === undefined ? '' : `${tag} NO ${why}\r\n`}* BYE ${why}\r\n`;
}
