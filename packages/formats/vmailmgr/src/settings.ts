// VMailMgr's settings: one file each, looked for in ~/.vmailmgr, then in /etc/vmailmgr, else a default.
//
//   string     the first line, stripped; an empty one counts as no file
//   directory  the same, and "/" is added where it does not end in one
//   number     decimal digits, what follows is ignored; "-..." is unlimited; anything else counts as no file
//   list       every line, stripped, but empty ones and # comments; an existing file counts even if empty
//   hook       an executable file, run in both places, the global one first
//   text       a whole file
//
// A private instance has its own global directory, QMAILHOME/etc/vmailmgr. Every value is read once.

import { closeSync, constants, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '@q/bytes';
import { qmailHome } from '@q/control';
import { errnoOf, errnoText, Temporary } from '@q/fault';
import { mailText } from '@q/proc';
import { SETTING_FILE_MAX } from './limits.ts';
import { UNLIMITED } from './record.ts';

/** All settings with their types and built-in values, in the order in which showvconfig prints them. */
export const SETTINGS = {
  'autoresponse-dir': { type: 'directory', value: 'autoresponse/' },
  'autoresponse-file': { type: 'string', value: 'message.txt' },
  'bulletin-dir': { type: 'directory', value: 'bulletins/' },
  'default-expiry': { type: 'number', value: UNLIMITED },
  'default-maildir': { type: 'directory', value: 'Maildir/' },
  'default-msgcount': { type: 'number', value: UNLIMITED },
  'default-msgsize': { type: 'number', value: UNLIMITED },
  'default-hardquota': { type: 'number', value: UNLIMITED },
  'default-softquota': { type: 'number', value: UNLIMITED },
  'default-username': { type: 'string', value: '+' },
  'error-maildir': { type: 'directory', value: '/var/lib/vmailmgr/error-maildir/' },
  'global-bulletin-dir': { type: 'directory', value: '/var/spool/bulletins/' },
  'maildir-arg-str': { type: 'string', value: 'maildir' },
  'password-file': { type: 'string', value: 'passwd' },
  'postmaster-aliases': { type: 'list', value: ['mailer-daemon', 'postmaster', 'root'] },
  'postmaster-email': { type: 'string', value: 'postmaster@' },
  'qmail-root': { type: 'directory', value: '/var/qmail/' },
  separators: { type: 'string', value: '@:' },
  'socket-file': { type: 'string', value: '/run/vmailmgrd/socket' },
  'user-dir': { type: 'directory', value: 'users/' },
  'user-dir-bits': { type: 'number', value: 0 },
  'user-dir-slices': { type: 'number', value: 0 },
  // Not VMailMgr's:
  'autoresponse-by': { type: 'string', value: 'auto' },
  'autoresponse-days': { type: 'number', value: 7 },
  'quota-by': { type: 'string', value: 'auto' },
  'quota-softsize': { type: 'number', value: 4096 },
  'quota-warnings': { type: 'list', value: ['80', '95'] },
  'rehash-passwords': { type: 'number', value: 0 },
} as const;

export type SettingName = keyof typeof SETTINGS;
type NameOf<T> = {
  [name in SettingName]: (typeof SETTINGS)[name]['type'] extends T ? name : never;
}[SettingName];

/** Text is latin1; a directory is made a path for Node by `argText`. */
export interface Settings {
  string(name: NameOf<'string'>): string;
  /** Ends in "/". */
  directory(name: NameOf<'directory'>): string;
  /** UNLIMITED for no limit. */
  number(name: NameOf<'number'>): number;
  list(name: NameOf<'list'>): readonly string[];
  /** The hooks of that name, in the order in which they are run. */
  hooks(name: string): string[];
  /** The path of a file that is a text for users, if there is one; whoever reads it copes with what it is. */
  text(name: string): string | undefined;
}

export interface SettingsPlaces {
  /** The base user's home; left out, only the global directory is searched, as a process of root must. */
  readonly home?: string;
  /** Default: `globalSettingsDirectory(env)`. */
  readonly global?: string;
  /** QMAILHOME in it moves the global directory and the default of qmail-root. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * The settings that hold in `places`. Throws Temporary, when asked for a value, if a file is there but
 * cannot be read: its default could put mail in the wrong place.
 */
export function openSettings(places: SettingsPlaces = {}): Settings {
  const env = places.env ?? {};
  const global = places.global ?? globalSettingsDirectory(env);
  const directories = [
    ...(places.home === undefined ? [] : [join(places.home, '.vmailmgr')]),
    global,
  ];
  const cache = new Map<string, unknown>();
  const once = <T>(name: SettingName, read: () => T): T => {
    if (!cache.has(name)) cache.set(name, read());
    return cache.get(name) as T;
  };
  const first = <T>(name: string, parse: (text: string) => T | undefined): T | undefined => {
    for (const directory of directories) {
      const text = readSetting(join(directory, name));
      const value = text === undefined ? undefined : parse(text);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  return {
    string: (name) => once(name, () => first(name, parseString) ?? SETTINGS[name].value),
    directory: (name) =>
      once(name, () => {
        const standard =
          name === 'qmail-root' ? `${mailText(qmailHome(env))}/` : SETTINGS[name].value;
        return first(name, parseDirectory) ?? standard;
      }),
    number: (name) => once(name, () => first(name, parseNumber) ?? SETTINGS[name].value),
    list: (name) => once(name, () => first(name, parseLines) ?? SETTINGS[name].value),
    hooks: (name) =>
      [...directories]
        .reverse()
        .map((directory) => join(directory, name))
        .filter(isHook),
    text: (name) =>
      directories.map((directory) => join(directory, name)).find((path) => existsSync(path)),
  };
}

/** /etc/vmailmgr, or that path below the root of a private instance. */
export function globalSettingsDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const home = qmailHome(env);
  return home === qmailHome({}) ? '/etc/vmailmgr' : join(home, 'etc/vmailmgr');
}

function parseString(text: string): string | undefined {
  return stripped(text.split('\n', 1)[0] ?? '') || undefined;
}

function parseDirectory(text: string): string | undefined {
  const path = parseString(text);
  return path === undefined || path.endsWith('/') ? path : `${path}/`;
}

function parseNumber(text: string): number | undefined {
  const line = parseString(text) ?? '';
  if (line.startsWith('-')) return UNLIMITED;
  const digits = /^[0-9]+/.exec(line)?.[0];
  if (digits === undefined) return undefined;
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : UNLIMITED;
}

function parseLines(text: string): string[] {
  return text
    .split('\n')
    .map(stripped)
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Without white space at both ends, C's set: not String.trim, which takes U+00A0 for a blank. */
function stripped(line: string): string {
  return line.replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, '');
}

function readSetting(path: string): string | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile()) throw new Temporary('not a regular file');
      const buffer = Buffer.alloc(SETTING_FILE_MAX);
      return textOf(buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0)));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new Temporary(`unable to read the setting ${path}: ${errnoText(error)}`, {
      cause: error,
    });
  }
}

/**
 * Any x bit counts: a hook that we may not run must fail, not be passed over, for it may be what enforces a
 * quota.
 */
function isHook(path: string): boolean {
  try {
    const stats = statSync(path);
    return stats.isFile() && (stats.mode & 0o111) !== 0;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw new Temporary(`unable to look at the hook ${path}: ${errnoText(error)}`, {
      cause: error,
    });
  }
}
