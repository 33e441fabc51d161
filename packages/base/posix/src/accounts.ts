// The user, group and shadow databases: getpwnam(3), getgrnam(3), getspnam(3), through the name service
// switch of the host, which reading /etc/passwd would miss.

import { isTemporaryErrno, Permanent, Temporary } from '@q/fault';
import { type CFunction, cFunction, koffi, lastErrno } from './libc.ts';

export interface Passwd {
  readonly name: string;
  readonly password: string;
  readonly uid: number;
  readonly gid: number;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
}

/** The account of that name, or undefined when there is none. Throws Temporary when the look-up failed. */
export function getpwnam(name: string): Passwd | undefined {
  return passwdOf(callDatabase(passwdFunction('passwd *getpwnam(const char *name)'), asName(name)));
}

/** The account of that uid, or undefined when there is none. Throws Temporary when the look-up failed. */
export function getpwuid(uid: number): Passwd | undefined {
  return passwdOf(callDatabase(passwdFunction('passwd *getpwuid(uint32_t uid)'), uid));
}

/** The group of that name, or undefined when there is none. Throws Temporary when the look-up failed. */
export function getgrnam(name: string): Group | undefined {
  return groupOf(callDatabase(groupFunction('group *getgrnam(const char *name)'), asName(name)));
}

/** The group of that gid, or undefined when there is none. Throws Temporary when the look-up failed. */
export function getgrgid(gid: number): Group | undefined {
  return groupOf(callDatabase(groupFunction('group *getgrgid(uint32_t gid)'), gid));
}

/** What the shadow file says of an account. */
interface Shadow {
  readonly password: string;
  /** The first day on which the account is no more, counted from 1970; left out: it stays. */
  readonly expires?: number;
}

/** The shadow entry of an account; undefined when there is none or we may not read it. */
export function getspnam(name: string): Shadow | undefined {
  defineStruct('spwd', {
    sp_namp: 'const char *',
    sp_pwdp: 'const char *',
    sp_lstchg: 'long',
    sp_min: 'long',
    sp_max: 'long',
    sp_warn: 'long',
    sp_inact: 'long',
    sp_expire: 'long',
    sp_flag: 'unsigned long',
  });
  koffi().errno(0);
  const entry = decode(cFunction('spwd *getspnam(const char *name)')(asName(name)), 'spwd');
  if (entry === undefined) return undefined;
  const expires = Number(entry.sp_expire);
  return { password: String(entry.sp_pwdp), ...(expires >= 0 && { expires }) };
}

type Row = Record<string, unknown>;

const defined = new Set<string>();

function defineStruct(name: string, members: Record<string, string>): void {
  if (defined.has(name)) return;
  koffi().struct(name, members);
  defined.add(name);
}

function passwdFunction(prototype: string): [CFunction, string] {
  defineStruct('passwd', {
    pw_name: 'const char *',
    pw_passwd: 'const char *',
    pw_uid: 'uint32_t',
    pw_gid: 'uint32_t',
    pw_gecos: 'const char *',
    pw_dir: 'const char *',
    pw_shell: 'const char *',
  });
  return [cFunction(prototype), 'passwd'];
}

function groupFunction(prototype: string): [CFunction, string] {
  defineStruct('group', {
    gr_name: 'const char *',
    gr_passwd: 'const char *',
    gr_gid: 'uint32_t',
    gr_mem: 'void *',
  });
  return [cFunction(prototype), 'group'];
}

/** A C string ends at NUL: a name with one inside would be looked up as another name. */
function asName(name: string): string {
  if (name.includes('\0')) throw new Permanent('account name with NUL');
  return name;
}

/**
 * getpwnam(3): a null result with errno 0 or one of many values means "not found"; only the errnos of
 * a database that could not be asked are trouble.
 */
function callDatabase([call, type]: [CFunction, string], key: string | number): Row | undefined {
  koffi().errno(0);
  const row = decode(call(key), type);
  if (row !== undefined) return row;
  const errno = koffi().errno();
  if (errno === 0) return undefined;
  const code = lastErrno();
  if (isTemporaryErrno(code) || code === 'ERANGE') {
    throw new Temporary(`unable to look an account up: ${code}`);
  }
  return undefined;
}

function decode(pointer: unknown, type: string): Row | undefined {
  return pointer === null ? undefined : (koffi().decode(pointer, type) as Row);
}

function passwdOf(row: Row | undefined): Passwd | undefined {
  if (row === undefined) return undefined;
  return {
    name: String(row.pw_name),
    password: String(row.pw_passwd ?? ''),
    uid: Number(row.pw_uid),
    gid: Number(row.pw_gid),
    gecos: String(row.pw_gecos ?? ''),
    home: String(row.pw_dir ?? ''),
    shell: String(row.pw_shell ?? ''),
  };
}

function groupOf(row: Row | undefined): Group | undefined {
  return row === undefined ? undefined : { name: String(row.gr_name), gid: Number(row.gr_gid) };
}
