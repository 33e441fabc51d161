// From a request to a job: whose domain it is about, and whether the client has proved to administer it.
// Runs as root on a real host; reads host-wide files and the shadow file only, never anything a user owns.

import { setTimeout as wait } from 'node:timers/promises';
import { asciiLower, bytesOf } from '@q/bytes';
import { openControl } from '@q/control';
import { Permanent } from '@q/fault';
import { getpwnam } from '@q/posix';
import { argText } from '@q/proc';
import {
  authenticateSystem,
  type BaseUser,
  EXIT_LOGIN_REFUSED,
  findBaseUser,
  findOwner,
  openSettings,
  qualify,
  verifyPasswordAsync,
} from '@q/vmailmgr';
import type { Request } from '@q/vmailmgrd';
import { REFUSAL_DELAY } from '../limits.ts';
import type { Env } from '../service/service.ts';
import { commandOf, whoMay } from './commands.ts';

/** What a worker is told to do. All texts are latin1. */
export interface Job {
  readonly command: string;
  /** The arguments as they came. */
  readonly args: readonly string[];
  /** Of the domain's users, in lower case; '' for the domain itself. */
  readonly virtualName: string;
  /** The client has proved to be the domain's administrator. */
  readonly admin: boolean;
}

export interface Authorised {
  readonly base: BaseUser;
  readonly job: Job;
}

/** VMailMgr's words. */
export const INCORRECT_PASSWORD = 'Incorrect password';

/**
 * `peerUid` is who the kernel says the client is; undefined when it cannot say. Throws BadRequest for what
 * makes no sense, Permanent for what is refused, the latter late when a password was wrong.
 */
export async function authorise(
  request: Request,
  peerUid: number | undefined,
  env: Env,
): Promise<Authorised> {
  const { command, args } = request;
  const who = whoMay(commandOf(request), args);
  const whole = command === 'listdomain';
  const [domain = ''] = args;
  const user = whole ? '' : (args[1] ?? '');
  const password = (whole ? args[1] : args[2]) ?? '';
  const { base, virtualName } = await resolve(asciiLower(domain), asciiLower(user), password, env);
  // To check the owner's own password is to ask for the answer that proves an administrator.
  const asked = command === 'check' ? virtualName === '' && password !== '' : who !== 'anyone';
  const admin = asked && (await isAdministrator(base, password, peerUid));
  if (!admin && (who === 'admin' || (command === 'check' && virtualName === '')))
    throw await wrongPassword();
  return { base, job: { command, args, virtualName, admin } };
}

/** The refusal of a wrong password, after a pause. */
export async function wrongPassword(): Promise<Permanent> {
  await wait(REFUSAL_DELAY);
  return new Permanent(INCORRECT_PASSWORD);
}

async function resolve(domain: string, user: string, password: string, env: Env) {
  const root = argText(openSettings({ env }).directory('qmail-root'));
  const control = openControl(root);
  const local = control.list('locals')?.some((name) => asciiLower(name) === domain) === true;
  if (!local && findOwner(domain, control) === undefined)
    throw new Permanent(`Invalid or unknown domain name: ${domain}`);
  const account = qualify(user, domain, control);
  const found = user === '' ? findOwnerOf(account, root) : findBaseUser(account, root, {});
  if (found === undefined || found.base.uid === 0) {
    // As slow as a wrong password.
    await verifyPasswordAsync(bytesOf(password), undefined);
    throw new Permanent('Invalid or unknown base user or domain');
  }
  return found;
}

/** An owner who has no account stands in users/cdb with the users it may have: "+owner-:...". */
function findOwnerOf(account: string, root: string) {
  if (account === '') return undefined;
  return findBaseUser(account, root, {}) ?? findBaseUser(`${account}-`, root, {});
}

/**
 * An empty password is the client's word for "ask the kernel who I am". The owner of users/cdb may bear the
 * name of an account that is someone else's: only the account with the owner's uid has the owner's password.
 */
async function isAdministrator(
  base: BaseUser,
  password: string,
  peerUid: number | undefined,
): Promise<boolean> {
  if (password === '') return peerUid !== undefined && (peerUid === 0 || peerUid === base.uid);
  const account = getpwnam(base.user);
  const secret = bytesOf(password);
  if (account?.uid !== base.uid) {
    await verifyPasswordAsync(secret, undefined);
    return false;
  }
  try {
    await authenticateSystem(base.user, secret);
    return true;
  } catch (error) {
    if (error instanceof Permanent && error.exitCode === EXIT_LOGIN_REFUSED) return false;
    throw error;
  }
}
