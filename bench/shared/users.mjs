// Users of a run: system users with a uid of their own, and virtual ones of one domain, the same for every server.
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './processes.mjs';

export const PASSWORD = 'a password';
export const DOMAIN = 'bench.test';

const FIRST_UID = 20_000;
const OWNER = 'vowner';

/** Password hashes: sha512-crypt costs milliseconds, md5-crypt next to nothing. */
export function hashes() {
  return {
    sha512: must('openssl', ['passwd', '-6', '-salt', 'benchbenchbench1', PASSWORD]).trim(),
    md5: must('openssl', ['passwd', '-1', '-salt', 'benchsal', PASSWORD]).trim(),
  };
}

/** Whose domain it is. `home`: where all homes are. */
export function domainOwner(home) {
  return { name: OWNER, uid: FIRST_UID, gid: FIRST_UID, home: join(home, OWNER) };
}

/** The `number`th system user, from 1. */
export function systemUser(home, number, hash) {
  const uid = FIRST_UID + number;
  const name = `user${number}`;
  return { name, uid, gid: uid, home: join(home, name), maildir: 'Maildir', hash };
}

/** A user of the domain, whose mail is its owner's. */
export function virtualUser(owner, name, hash) {
  const { uid, gid, home } = owner;
  return { name: `${name}@${DOMAIN}`, local: name, uid, gid, home, maildir: `users/${name}`, hash };
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
export function enterUsers(users, hash) {
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
export function makeDomain({ name, uid, gid, home }, users, dist) {
  const env = { PATH: `${dist}:/usr/bin:/bin`, HOME: home, USER: name };
  const options = { uid, gid, cwd: home, env };
  must(join(dist, 'vsetup'), [], options);
  const lines = users
    .filter(({ local }) => local !== undefined)
    .map(({ local, hash }) => `${local} ${hash}\n`);
  must(join(dist, 'vaddusers'), ['--hashed', '--quiet'], { ...options, input: lines.join('') });
}
