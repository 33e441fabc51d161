// qmail-pw2u(8): the accounts of a passwd file, with what the files in users/ say about them, become the text of
// users/assign. qmail-users(5).
//
//   passwd   = user ":" password ":" uid ":" gid ":" gecos ":" home ":" shell LF
//   subuser  = sub ":" user ":" pre ":" LF                         ; users/subusers

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { asciiLower, textOf } from '@q/bytes';
import { qmailHome } from '@q/control';
import { errnoOf, Temporary } from '@q/fault';
import type { Invocation } from '@q/proc';
import { type Output, openOutput } from '../output.ts';
import { linesOf, type Rules, readRules, standardInput } from './pw2u-files.ts';
import { type Choice, parseChoice } from './pw2u-options.ts';

const ALIAS = 'alias';
const EXIT_USAGE = 100;

/** Returns 0, or 100 for an unknown option. Throws with exit code 111 for everything else: there is no last line then. */
export function pw2uMain({ args, env }: Invocation): number {
  const choice = parseChoice(args);
  if (choice === undefined) {
    process.stderr.write('qmail-pw2u: usage: qmail-pw2u [ -/ohHuUC ] [ -cchar ]\n');
    return EXIT_USAGE;
  }
  const users = join(qmailHome(env), 'users');
  const rules = readRules(users);
  const out = openOutput();
  const assigned = new Map<string, string>();
  for (const line of linesOf(standardInput)) {
    const account = accountOf(line);
    if (account === undefined || !wanted(account, choice, rules)) continue;
    writeAccount(out, account, choice, rules);
    assigned.set(asciiLower(account.user), fieldsOf(account));
  }
  if (!assigned.has(ALIAS)) throw new Temporary(`unable to find ${ALIAS} user`);
  for (const line of linesOf(join(users, 'subusers'))) writeSubuser(out, line, choice, assigned);
  for (const line of linesOf(join(users, 'append'))) out.write(`${textOf(line)}\n`);
  out.write('.\n');
  out.flush();
  if (out.closed) throw new Temporary('unable to write output: nobody reads it');
  return 0;
}

interface Account {
  readonly user: string;
  /** Digits. */
  readonly uid: string;
  readonly gid: string;
  readonly home: string;
}

/** Undefined for what is no account: a line that is cut short, has a NUL, or no numbers ("+::::::", of NIS). */
function accountOf(line: Buffer): Account | undefined {
  if (line.includes(0)) return undefined;
  const fields = textOf(line).split(':');
  const [user, , uid, gid, , home] = fields;
  if (fields.length < 7 || !isNumber(uid) || !isNumber(gid) || home === undefined) return undefined;
  return user === undefined || user === '' ? undefined : { user, uid, gid, home };
}

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^[0-9]{1,10}$/.test(text);
}

function wanted(account: Account, choice: Choice, rules: Rules): boolean {
  const { user, uid } = account;
  if (Number(uid) === 0) return false;
  if (!choice.upperCase && /[A-Z]/.test(user)) return false;
  if (rules.include?.has(asciiLower(user)) === false) return false;
  if (rules.exclude?.has(asciiLower(user)) === true) return false;
  return choice.home === 'any' || ownsHome(account, choice);
}

/** Throws when the home cannot be looked at; that it is missing is no trouble, unless `choice` says so. */
function ownsHome({ uid, home }: Account, choice: Choice): boolean {
  try {
    return statSync(Buffer.from(home, 'latin1')).uid === Number(uid);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && choice.home === 'skip') return false;
    throw new Temporary(`unable to stat ${home}`, { cause: error });
  }
}

/** An account's mail names, and what belongs to nobody else if it is the alias user's. */
function writeAccount(out: Output, account: Account, choice: Choice, rules: Rules): void {
  const fields = fieldsOf(account);
  if (account.user === ALIAS) out.write(`+${fields}${choice.dash}::\n`);
  const names = rules.mailNames?.get(account.user)?.split(':') ?? [account.user];
  for (const name of names) {
    if (name === '') continue;
    out.write(`=${name}${fields}::\n`);
    if (choice.separator !== '')
      out.write(`+${name}${choice.separator}${fields}${choice.dash}::\n`);
  }
}

function writeSubuser(
  out: Output,
  line: Buffer,
  choice: Choice,
  assigned: ReadonlyMap<string, string>,
): void {
  const words = textOf(line).split(':');
  const [sub, user, pre] = words;
  if (words.length < 4 || sub === undefined || user === undefined || pre === undefined) return;
  const fields = assigned.get(asciiLower(user));
  if (fields === undefined) throw new Temporary(`unable to find ${user} user for subuser`);
  out.write(`=${sub}${fields}${choice.dash}:${pre}:\n`);
  if (choice.separator !== '')
    out.write(`+${sub}${choice.separator}${fields}${choice.dash}:${pre}-:\n`);
}

/** user, uid, gid and home between colons. */
function fieldsOf({ user, uid, gid, home }: Account): string {
  return `:${user}:${uid}:${gid}:${home}:`;
}
