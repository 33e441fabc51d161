// Who can log in, and their mail: system users and virtual ones, the same for every server.
//
//   system    100 users with a uid of their own each, sha512-crypt, 5 messages of 2 kB
//   virtual   100 users of one domain, all with its owner's uid, otherwise the same
//   md5       one of these with an MD5-crypt hash, which costs next to nothing
//   small     50 messages of 2 kB        large    20 of 100 kB
//   many      50,000 messages of 1 kB, with their size in the file name        nosize    the same without
//
// Every server has a copy of its own of the directories; the files are the same by hard links.
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../shared/processes.mjs';
import { fill } from './mailboxes.mjs';

export const HASHES = 'sha512-crypt, 5000 rounds; in login-md5 MD5-crypt';
export const PASSWORD = 'a password';
export const DOMAIN = 'bench.test';

const FIRST_UID = 20_000;
const EACH = 100;
const FEW = { count: 5, bytes: 2000 };
const OWNER = 'vowner';

/** Makes the accounts in /etc and in `home`; the users, by kind, have what adapters and clients need to know. */
export function makeAccounts({ home, dist, many }) {
  const hashes = {
    sha512: must('openssl', ['passwd', '-6', '-salt', 'benchbenchbench1', PASSWORD]).trim(),
    md5: must('openssl', ['passwd', '-1', '-salt', 'benchsal', PASSWORD]).trim(),
  };
  const owner = { name: OWNER, uid: FIRST_UID, gid: FIRST_UID, home: join(home, OWNER) };
  const numbers = Array.from({ length: EACH }, (_, i) => i + 1);
  const system = numbers.map((number) => ({
    name: `user${number}`,
    uid: FIRST_UID + number,
    gid: FIRST_UID + number,
    home: join(home, `user${number}`),
    maildir: 'Maildir',
    hash: hashes.sha512,
    mail: FEW,
  }));
  const virtual = (name, mail, hash = hashes.sha512) => ({
    name: `${name}@${DOMAIN}`,
    local: name,
    uid: owner.uid,
    gid: owner.gid,
    home: owner.home,
    maildir: `users/${name}`,
    hash,
    mail,
  });
  const users = {
    system,
    virtual: numbers.map((number) => virtual(`box${number}`, FEW)),
    md5: [virtual('md5', FEW, hashes.md5)],
    small: [virtual('small', { count: 50, bytes: 2000 })],
    large: [virtual('large', { count: 20, bytes: 100_000 })],
    many: [virtual('many', { count: many, bytes: 1000 })],
    nosize: [virtual('nosize', { linkOf: 'many' })],
  };
  enterUsers([owner, ...system], hashes.sha512);
  makeDomain(owner, users, dist);
  for (const user of Object.values(users).flat()) fill(user);
  return users;
}

/** The same users on another server, whose copy of the homes is at `home`. */
export function movedTo(home, users, from) {
  return Object.fromEntries(
    Object.entries(users).map(([kind, some]) => [
      kind,
      some.map((user) => ({ ...user, home: user.home.replace(from, home) })),
    ]),
  );
}

/** Lines in the run's own /etc; useradd would take seconds. */
function enterUsers(users, hash) {
  const lines = (line) => users.map((user) => `${line(user)}\n`).join('');
  appendFileSync(
    '/etc/passwd',
    lines((u) => `${u.name}:x:${u.uid}:${u.gid}::${u.home}:/bin/sh`),
  );
  appendFileSync(
    '/etc/group',
    lines(({ name, gid }) => `${name}:x:${gid}:`),
  );
  appendFileSync(
    '/etc/shadow',
    lines(({ name }) => `${name}:${hash}:20000:0:99999:7:::`),
  );
  for (const { home, uid, gid } of users) {
    mkdirSync(home, { recursive: true });
    must('chown', [`${uid}:${gid}`, home]);
  }
}

/** The virtual users' table and directories, made by our own commands. */
function makeDomain({ name, uid, gid, home }, users, dist) {
  const env = { PATH: `${dist}:/usr/bin:/bin`, HOME: home, USER: name };
  const options = { uid, gid, cwd: home, env };
  must(join(dist, 'vsetup'), [], options);
  const lines = Object.values(users)
    .flat()
    .filter(({ local }) => local !== undefined)
    .map(({ local, hash }) => `${local} ${hash}\n`);
  must(join(dist, 'vaddusers'), ['--hashed', '--quiet'], { ...options, input: lines.join('') });
}
