// What qmail-inject is told by control files and by its environment: qmail-inject(8). The environment goes first.

import { readFileSync, statSync } from 'node:fs';
import { asciiLower, textOf } from '@q/bytes';
import { type Control, openControl, parseList, qmailHome } from '@q/control';
import { errnoOf, Temporary } from '@q/fault';
import { mailText } from '@q/proc';
import { type AddressDefaults, defaultsOf } from './rewrite.ts';

type Env = Readonly<NodeJS.ProcessEnv>;

/** The user's names, as mail text. */
export interface Identity {
  readonly user: string;
  /** Without it the default host is added, as to any address. */
  readonly host?: string;
  readonly fullName?: string;
  /** The envelope sender's halves. */
  readonly senderUser: string;
  readonly senderHost?: string;
}

/** The letters of QMAILINJECT. */
export interface Flags {
  /** c: `user@host (Full Name)`, not `"Full Name" <user@host>`. */
  readonly nameAsComment: boolean;
  /** s, f, i: these fields of the message do not count. */
  readonly ignoreReturnPath: boolean;
  readonly ignoreFrom: boolean;
  readonly ignoreMessageId: boolean;
  /** r: a sender for each recipient. */
  readonly verpRecipient: boolean;
  /** m: a sender for each message. */
  readonly verpMessage: boolean;
  /** l: a message whose first line ends in CR LF has that for LF everywhere. */
  readonly crlf: boolean;
}

export interface Settings {
  readonly defaults: AddressDefaults;
  readonly idHost: string;
  readonly identity: Identity;
  readonly flags: Flags;
  /** Addresses of mailing lists in lower case, if there is such a file. */
  readonly lists?: ReadonlySet<string>;
  /** Unix time in seconds, and what else makes a Message-ID unique. */
  readonly now: number;
  readonly pid: number;
}

/** Reads them all. Throws Temporary when a file cannot be read, Permanent when a setting is no host name. */
export function readSettings(env: Env, clock: { now: number; pid: number }): Settings {
  const lists = readMailingLists(env.QMAILMFTFILE);
  const home = qmailHome(env);
  if (statSync(home, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new Temporary('internal bug');
  const control = openControl(home);
  const name = (variable: string, file: string) => {
    const given = env[variable];
    return given === undefined ? controlLine(control, file) : mailText(given);
  };
  return {
    defaults: defaultsOf({
      domain: name('QMAILDEFAULTDOMAIN', 'defaultdomain'),
      host: name('QMAILDEFAULTHOST', 'defaulthost'),
      plus: name('QMAILPLUSDOMAIN', 'plusdomain'),
    }),
    idHost: name('QMAILIDHOST', 'idhost'),
    identity: identityOf(env),
    flags: flagsOf(env.QMAILINJECT ?? ''),
    ...(lists === undefined ? {} : { lists }),
    ...clock,
  };
}

function identityOf(env: Env): Identity {
  const first = (...names: string[]) => {
    const found = names.map((name) => env[name]).find((value) => value !== undefined);
    return found === undefined ? undefined : mailText(found);
  };
  const user = first('QMAILUSER', 'MAILUSER', 'USER', 'LOGNAME') ?? 'anonymous';
  const host = first('QMAILHOST', 'MAILHOST');
  const fullName = first('QMAILNAME', 'MAILNAME', 'NAME');
  const senderHost = first('QMAILSHOST') ?? host;
  return {
    user,
    ...(host === undefined ? {} : { host }),
    ...(fullName === undefined ? {} : { fullName }),
    senderUser: first('QMAILSUSER') ?? user,
    ...(senderHost === undefined ? {} : { senderHost }),
  };
}

export function flagsOf(letters: string): Flags {
  return {
    nameAsComment: letters.includes('c'),
    ignoreReturnPath: letters.includes('s'),
    ignoreFrom: letters.includes('f'),
    ignoreMessageId: letters.includes('i'),
    verpRecipient: letters.includes('r'),
    verpMessage: letters.includes('m'),
    crlf: letters.includes('l'),
  };
}

function controlLine(control: Control, file: string): string {
  try {
    return control.lineOrMe(file, file);
  } catch (cause) {
    throw readError(cause);
  }
}

/** QMAILMFTFILE, relative to where the caller is; a missing one is as none. */
function readMailingLists(path: string | undefined): Set<string> | undefined {
  if (path === undefined) return undefined;
  try {
    return new Set(parseList(textOf(readFileSync(path))).map(asciiLower));
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw readError(cause);
  }
}

export function readError(cause: unknown): Temporary {
  return new Temporary('read error', { cause });
}
