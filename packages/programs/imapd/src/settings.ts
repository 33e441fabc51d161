// How imapd is set up: by the environment, else by the file control/imapd. Names, values and meanings are Courier's, so that
// its file can be taken over as it is.
//
//   control/imapd = *line
//   line          = NAME "=" value LF            ; as in a shell, without expansion: value, "value" or 'value'
//                 / "#" anything LF / LF
//
//     IMAP_EMPTYTRASH=Trash:7,Junk:30
//     ##NAME: IMAP_ACL:0
//     IMAP_ACL="1"
//
// Lines that are none, and names that mean nothing here (imapd(8) lists them), are passed over.

import { release, type } from 'node:os';
import { resolve } from 'node:path';
import { openControl, qmailHome } from '@q/control';
import { Permanent } from '@q/fault';
import { programBeside } from '@q/fsx';
import type { NamespaceKind } from '@q/mail-account';
import { type CLIENT_SETTINGS, type ClientTerms, clientTermsOf } from '@q/tls';
import type { AccountWish } from './accounts.ts';
import { APPEND_LIMIT } from './limits.ts';
import type { Outbox, Settings } from './session.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** What a session is served by; `session` is what commands see of it. */
export interface ImapdSettings {
  readonly session: Settings;
  /** Names of mailboxes: IMAP_NAMESPACE. */
  readonly namespace: NamespaceKind;
  /** IMAP_EMPTYTRASH: seconds that messages stay in these folders, by folder path. */
  readonly emptyTrash: ReadonlyMap<string, number>;
  /** IMAP_SHAREDINDEXFILE with the account's option sharedgroup; undefined: there is none. */
  readonly sharedIndex: string | undefined;
  /** IMAP_SHAREDMUNGENAMES. */
  readonly sharedNamesMunged: boolean;
  /** False: the option disableshared. */
  readonly shared: boolean;
  /** The options group: groups of access lists. */
  readonly groups: readonly string[];
  /** IMAP_USELOCKS: false leaves a folder's lock file alone. */
  readonly useLocks: boolean;
  /** IMAP_UMASK. */
  readonly umask: number;
  /** The option disableimap, and disableinsecureimap of a connection in clear. */
  readonly disabled: boolean;
  readonly disabledInClear: boolean;
  /** MAILDIRQUOTA. */
  readonly quota: string | undefined;
}

/** The variables that are settings. */
export const VARIABLES = [
  'HEADERFROM',
  'IMAP_ACL',
  'IMAP_APPENDLIMIT',
  'IMAP_EMPTYTRASH',
  'IMAP_IDLE_TIMEOUT',
  'IMAP_ID_FIELDS',
  'IMAP_KEYWORDS',
  'IMAP_LOG_DELETIONS',
  'IMAP_MOVE_EXPUNGE_TO_TRASH',
  'IMAP_NAMESPACE',
  'IMAP_SHAREDINDEXFILE',
  'IMAP_SHAREDMUNGENAMES',
  'IMAP_TLS_REQUIRED',
  'IMAP_TRASHFOLDERNAME',
  'IMAP_UMASK',
  'IMAP_USELOCKS',
  'OUTBOX',
  'OUTBOX_MULTIPLE_SEND',
  'SENDMAIL',
] as const;

/** Settings of the service that its sessions need not know. */
type ServiceVariable = (typeof CLIENT_SETTINGS)[number];

/** The settings of a session. Throws Permanent for a value that means nothing, Temporary when control/imapd cannot be read. */
export function readSettings(env: Env): ImapdSettings {
  const value = lookup(env);
  const options = optionsOf(env.OPTIONS);
  const acl = isOn(value('IMAP_ACL'), true);
  const namespace = namespaceOf(value('IMAP_NAMESPACE'));
  return {
    session: {
      appendLimit: numberOf('IMAP_APPENDLIMIT', value, APPEND_LIMIT),
      trashFolder: value('IMAP_TRASHFOLDERNAME') ?? 'Trash',
      expungeToTrash: isOn(value('IMAP_MOVE_EXPUNGE_TO_TRASH'), false),
      logDeletions: isOn(value('IMAP_LOG_DELETIONS'), false),
      keywords: isOn(value('IMAP_KEYWORDS'), true),
      acl,
      idlePoll: Math.max(1, numberOf('IMAP_IDLE_TIMEOUT', value, 60)),
      idFields: idFields(numberOf('IMAP_ID_FIELDS', value, 0)),
      outbox: outboxOf(value, namespace),
    },
    namespace,
    emptyTrash: parseEmptyTrash(value('IMAP_EMPTYTRASH')),
    sharedNamesMunged: isOn(value('IMAP_SHAREDMUNGENAMES'), false),
    shared: !isOn(options.get('disableshared'), false),
    groups: groupsOf(env.OPTIONS),
    sharedIndex: acl
      ? sharedIndexOf(value('IMAP_SHAREDINDEXFILE'), options.get('sharedgroup'))
      : undefined,
    useLocks: isOn(value('IMAP_USELOCKS'), true),
    umask: umaskOf(value('IMAP_UMASK')),
    disabled: isOn(options.get('disableimap'), false),
    disabledInClear: isOn(options.get('disableinsecureimap'), false),
    quota: env.MAILDIRQUOTA || undefined,
  };
}

/** The account of `user`, whose INBOX is the directory `root`, absolute. */
export function wishOf(settings: ImapdSettings, user: string, root: string): AccountWish {
  const { session, namespace, groups, shared, sharedNamesMunged, sharedIndex, quota } = settings;
  return {
    user,
    root,
    namespace,
    groups,
    shared,
    sharedNamesMunged,
    acl: session.acl,
    keywords: session.keywords,
    useLocks: settings.useLocks,
    trashFolder: session.trashFolder,
    emptyTrash: settings.emptyTrash,
    ...(sharedIndex !== undefined && { sharedIndex }),
    ...(quota !== undefined && { quota }),
  };
}

/** One setting, for who needs no more. */
export function readSetting(env: Env, name: (typeof VARIABLES)[number]): string | undefined {
  return lookup(env)(name);
}

/** What certificates of clients are asked for; undefined: they are not. Throws as readSettings does. */
export function readClientTerms(env: Env): ClientTerms | undefined {
  return clientTermsOf(lookup(env));
}

// --- internal ---

type Lookup = (name: (typeof VARIABLES)[number] | ServiceVariable) => string | undefined;

function lookup(env: Env): Lookup {
  let file: ReadonlyMap<string, string> | undefined;
  return (name) => {
    const own = env[name];
    if (own !== undefined) return own === '' ? undefined : own;
    file ??= parseFile(openControl(qmailHome(env)).list('imapd') ?? []);
    return file.get(name) || undefined;
  };
}

function parseFile(lines: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, name, double, single, bare] =
      /^([A-Z0-9_]+)=(?:"([^"]*)"|'([^']*)'|([^\s"'#]*))\s*(?:#.*)?$/.exec(line) ?? [];
    if (name !== undefined) found.set(name, double ?? single ?? bare ?? '');
  }
  return found;
}

function isOn(value: string | undefined, standard: boolean): boolean {
  return value === undefined ? standard : /^[1-9yYtT]/.test(value);
}

function numberOf(name: (typeof VARIABLES)[number], value: Lookup, standard: number): number {
  const text = value(name);
  if (text === undefined) return standard;
  if (!/^[0-9]{1,15}$/.test(text)) throw new Permanent(`${name} is no number`);
  return Number(text);
}

function namespaceOf(value: string | undefined): NamespaceKind {
  if (value === undefined || value === 'modern') return 'modern';
  if (value === 'courier') return value;
  throw new Permanent('IMAP_NAMESPACE is neither modern nor courier');
}

/**
 * OUTBOX is a folder as it stands in the Maildir (".Outbox"), of characters that need no escaping on disk, in a capability or
 * in either kind of names.
 */
function outboxOf(value: Lookup, namespace: NamespaceKind): Outbox | undefined {
  const dir = value('OUTBOX');
  if (dir === undefined) return undefined;
  if (!/^(?:\.[\w+-]+)+$/.test(dir)) throw new Permanent('OUTBOX is no folder, as ".Outbox" is');
  const headerFrom = value('HEADERFROM') ?? 'X-IMAP-Sender';
  if (!/^[!-9;-~]{1,64}$/.test(headerFrom)) throw new Permanent('HEADERFROM is no header field');
  return {
    dir,
    name: namespace === 'courier' ? `INBOX${dir}` : dir.slice(1).replaceAll('.', '/'),
    sendmail: value('SENDMAIL') ?? ownSendmail(),
    headerFrom,
    multiple: isOn(value('OUTBOX_MULTIPLE_SEND'), false),
  };
}

/** The one that goes with this program. Throws Permanent when it is not there. */
function ownSendmail(): string {
  const program = resolve(process.argv[1] ?? '.');
  const found = programBeside(program, 'sendmail');
  if (found === undefined) throw new Permanent(`OUTBOX is set, and no sendmail beside ${program}`);
  return found;
}

/** "Trash:7,Junk:30", or days alone for the trash folder "Trash"; by folder path, in seconds. */
function parseEmptyTrash(value: string | undefined): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const entry of (value ?? '').split(',')) {
    const [, folder = 'Trash', days] = /^(?:(.+):)?([0-9]{1,5})$/.exec(entry.trim()) ?? [];
    if (days !== undefined && Number(days) > 0) found.set(folder, Number(days) * 86_400);
  }
  return found;
}

function sharedIndexOf(file: string | undefined, group: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  // The group becomes part of a file's name.
  return group === undefined || /[/\0]/.test(group) ? file : `${file}${group}`;
}

function umaskOf(value: string | undefined): number {
  if (value === undefined) return 0o022;
  if (!/^[0-7]{1,4}$/.test(value)) throw new Permanent('IMAP_UMASK is no octal number');
  return Number.parseInt(value, 8);
}

/** "disableimap=1,sharedgroup=x": the account's options; one without a value is on. */
function optionsOf(text: string | undefined): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const word of (text ?? '').split(',')) {
    const [name = '', value = '1'] = word.trim().split('=', 2);
    if (name !== '') options.set(name, value);
  }
  return options;
}

/** Courier's option "group", which may stand there several times. */
function groupsOf(text: string | undefined): readonly string[] {
  return [...(text ?? '').matchAll(/(?:^|,)\s*group=([^,]+)/g)].map(([, group = '']) =>
    group.trim(),
  );
}

/** A sum, as Courier's: 2 adds the operating system, 4 its release. (1, our version, helps none but those who look for holes.) */
function idFields(which: number): readonly string[] {
  const fields = ['name', 'qmail-ts'];
  if (which & 2) fields.push('os', type());
  if (which & 4) fields.push('os-version', release());
  return fields;
}
