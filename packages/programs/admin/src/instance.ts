// A private instance: the whole system in one directory, owned by one ordinary user, on high ports.
//
//   DIR/bin        the executables (a link to them, or a copy)
//   DIR/control    me, locals, rcpthosts, virtualdomains ..., and a certificate
//   DIR/users      assign and cdb: the demo domain's mail goes to DIR/domains/example.test
//   DIR/alias      postmaster and the like, forwarded to the first demo user
//   DIR/queue, DIR/run
//   DIR/domains/example.test   the domain owner's home: .qmail-default, passwd.cdb, users/NAME
//   DIR/demo.json  the demo users' passwords (mode 0600)
//   DIR/log        what the services say
//
// Every step is skipped where its result exists, so an instance whose making was cut short is completed.

import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { bytesOf } from '@q/bytes';
import { writeCdb } from '@q/cdb';
import { Permanent } from '@q/fault';
import { writeFileAtomic } from '@q/fsx';
import { pathOnly, spawn } from '@q/proc';
import { makeQueueTree } from '@q/queue-files';
import { compileAssign, qmailIds } from '@q/users';
import { certificateOf } from './certificate.ts';
import { ownDirectory } from './own-directory.ts';

export const DEMO_DOMAIN = 'example.test';
const DEMO_USERS = ['alice', 'bob'] as const;
/** The virtual domain's owner, as a prefix in virtualdomains and users/assign. */
const OWNER = 'example';

export interface DemoUser {
  readonly address: string;
  readonly password: string;
}

export interface Instance {
  readonly dir: string;
  readonly bin: string;
  readonly demoUsers: readonly DemoUser[];
  /** False when everything was there already. */
  readonly created: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** PEM; undefined where none can be made, and then nothing is served over TLS. */
  readonly certificate: string | undefined;
}

/** Makes or completes the instance in `dir`, whose executables are in `programs`. Throws a fault that says what to do. */
export async function makeInstance(dir: string, programs: string): Promise<Instance> {
  if (/[:\n]/.test(dir)) {
    throw new Permanent(`an instance's directory cannot have ":" in its name: ${dir}`);
  }
  const created = !existsSync(join(dir, 'demo.json'));
  for (const name of ['control', 'users', 'alias', 'run', 'log', `domains/${DEMO_DOMAIN}`]) {
    ownDirectory(join(dir, name), 0, 0, 0o755);
  }
  linkPrograms(join(dir, 'bin'), programs);
  const bin = join(dir, 'bin');
  const env: NodeJS.ProcessEnv = {
    ...pathOnly(process.env),
    QMAILHOME: dir,
    PATH: `${bin}:${process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin'}`,
  };
  mkdirSync(join(dir, 'queue'), { recursive: true });
  await makeQueueTree(dir, qmailIds(dir, process.geteuid?.() ?? 0));
  writeControls(dir);
  await writeAssignments(dir);
  const demoUsers = await makeDemoUsers(dir, bin, env);
  const certificate = await certificateOf(dir, env);
  return { dir, bin, demoUsers, created, env, certificate };
}

/** DIR/bin is a link to the built programs, unless somebody put a copy there. */
function linkPrograms(bin: string, programs: string): void {
  if (existsSync(join(bin, 'qmail-send'))) return;
  if (resolve(programs) === resolve(bin)) {
    throw new Permanent(
      `the programs in ${bin} are incomplete: build them, remove ${bin}, start again`,
    );
  }
  try {
    if (lstatSync(bin).isSymbolicLink()) unlinkSync(bin);
  } catch {
    // There is none yet.
  }
  symlinkSync(programs, bin);
}

function writeControls(dir: string): void {
  const me = `mail.${DEMO_DOMAIN}`;
  const controls: Record<string, string> = {
    me,
    locals: `${me}\nlocalhost`,
    rcpthosts: `${me}\nlocalhost\n${DEMO_DOMAIN}`,
    virtualdomains: `${DEMO_DOMAIN}:${OWNER}`,
    defaultdelivery: './Maildir/',
  };
  for (const [name, text] of Object.entries(controls)) writeOnce(join(dir, 'control', name), text);
  for (const alias of ['postmaster', 'mailer-daemon', 'root']) {
    writeOnce(join(dir, 'alias', `.qmail-${alias}`), `&${DEMO_USERS[0]}@${DEMO_DOMAIN}`);
  }
}

/** users/assign sends the domain to its home and everything else to alias, all as this one user. */
async function writeAssignments(dir: string): Promise<void> {
  const cdb = join(dir, 'users', 'cdb');
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const name = accountName(uid);
  const text = [
    `+${OWNER}-:${name}:${uid}:${gid}:${join(dir, 'domains', DEMO_DOMAIN)}:-::`,
    `+:${name}:${uid}:${gid}:${join(dir, 'alias')}:-::`,
    '.',
    '',
  ].join('\n');
  const assign = join(dir, 'users', 'assign');
  // A moved directory or another user makes the old lines wrong: they are ours, so they are made anew.
  if (existsSync(cdb) && existsSync(assign) && readFileSync(assign, 'utf8') === text) return;
  await writeFileAtomic(assign, Buffer.from(text), { mode: 0o644 });
  await writeCdb(
    cdb,
    compileAssign(bytesOf(Buffer.from(text).toString('latin1')).toString('latin1')),
    {
      mode: 0o644,
    },
  );
}

async function makeDemoUsers(
  dir: string,
  bin: string,
  env: NodeJS.ProcessEnv,
): Promise<DemoUser[]> {
  const file = join(dir, 'demo.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as DemoUser[];
  const home = join(dir, 'domains', DEMO_DOMAIN);
  const asOwner = { ...env, HOME: home, USER: OWNER };
  if (!existsSync(join(home, '.qmail-default')))
    await call(join(bin, 'vsetup'), ['--quiet'], asOwner, '');
  const users: DemoUser[] = [];
  for (const name of DEMO_USERS) {
    const password = randomBytes(9).toString('base64url');
    const known = existsSync(join(home, 'users', name));
    await call(
      join(bin, known ? 'vpasswd' : 'vadduser'),
      ['--quiet', name],
      asOwner,
      `${password}\n`,
    );
    users.push({ address: `${name}@${DEMO_DOMAIN}`, password });
  }
  await writeFileAtomic(file, Buffer.from(`${JSON.stringify(users, null, 2)}\n`), { mode: 0o600 });
  return users;
}

async function call(
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  input: string,
): Promise<void> {
  const child = await spawn({ file, args, env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdio[0]?.end(input);
  let said = '';
  for (const stream of [child.stdio[1], child.stdio[2]]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
    });
  }
  const exit = await child.exited;
  if (!('code' in exit) || exit.code !== 0) {
    throw new Permanent(`${file} ${args.join(' ')} failed: ${said.trim().split('\n')[0] ?? ''}`);
  }
}

function accountName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return `uid${uid}`; // an unprivileged uid without an account
  }
}

function writeOnce(path: string, text: string): void {
  if (!existsSync(path)) writeFileSync(path, `${text}\n`, { mode: 0o644 });
}
