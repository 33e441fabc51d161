// What a worker does for authentication, as the domain's owner: looks into the table, and proves passwords.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { faultOf, Permanent, Temporary } from '@q/fault';
import { argText, pathOnly } from '@q/proc';
import type { WorkerPlaces } from '@q/service';
import { type Domain, openDomain, withTable } from '@q/vmail-domain';
import {
  authenticateVirtual,
  clearPassword,
  EXIT_LOGIN_REFUSED,
  hashPassword,
  isClearPassword,
  refused,
  runHooks,
  secretOf,
  UNLIMITED,
  type VirtualUser,
  verifyPasswordAsync,
  virtualEnvironment,
} from '@q/vmailmgr';
import type { AuthRequest } from './request.ts';
import type { AuthResult, FoundUser, ListedUser } from './result.ts';

/** The parent's request, with the virtual user's name instead of the login name. */
export type AuthWork = AuthRequest;

/** Throws Temporary when nobody can tell; anything else is an answer. */
export async function authenticateWork(work: AuthWork, places: WorkerPlaces): Promise<AuthResult> {
  const domain = openDomain(places.account.home, places.env);
  try {
    switch (work.do) {
      case 'list':
        return { verdict: 'listed', users: listUsers(domain) };
      case 'passwd':
        await changePassword(domain, work);
        return { verdict: 'done' };
      case 'unknown':
        throw refused('unknown request');
      default:
        return { verdict: 'ok', user: await foundUser(domain, work, places) };
    }
  } catch (error) {
    const fault = faultOf(error, 'unable to authenticate');
    if (!(fault instanceof Permanent)) throw fault;
    if (fault.exitCode === EXIT_LOGIN_REFUSED && (work.do === 'login' || work.do === 'cram')) {
      const env = { ...environment(places), VUSER: plain(work.user) };
      const hooks = domain.settings.hooks('authvmailmgr-loginfail');
      await runHooks(hooks, { env: { ...env, AUTHVMAILMGR_ERROR: fault.message } });
    }
    return { verdict: 'refused', reason: fault.message };
  }
}

type Wanted = AuthWork & { readonly do: 'find' | 'login' | 'cram' };

async function foundUser(domain: Domain, work: Wanted, places: WorkerPlaces): Promise<FoundUser> {
  const user = await provenUser(domain, work);
  const env = virtualEnvironment(work.user, user);
  if (work.do !== 'find') {
    const hooks = domain.settings.hooks('authvmailmgr-postsetuid');
    const status = await runHooks(hooks, { env: { ...environment(places), ...env } });
    if (status !== 0) throw new Temporary('Execution of authvmailmgr-postsetuid failed');
  }
  return {
    maildir: maildirOf(domain, user),
    personal: user.personal,
    quota: quotaOf(user),
    env,
  };
}

async function provenUser(domain: Domain, work: Wanted): Promise<VirtualUser> {
  const table = domain.openTable();
  try {
    if (work.do === 'login')
      return await authenticateVirtual(table, work.user, bytesOf(work.password));
    const user = table.get(work.user);
    if (!user?.hasMailbox) throw refused('Invalid or unknown virtual user');
    if (work.do === 'cram' && !answers(work, user.password))
      throw refused('Invalid or incorrect password');
    if (user.expiry < Date.now() / 1000) throw refused('Account has expired');
    return user;
  } finally {
    table.close();
  }
}

/** A challenge can only be answered with a password that is stored in clear. RFC 2195. */
function answers(work: Wanted & { readonly do: 'cram' }, stored: string): boolean {
  if (!isClearPassword(stored)) return false;
  const wanted = createHmac(work.hash, secretOf(stored)).update(bytesOf(work.challenge)).digest();
  const given = Buffer.from(work.digest, 'hex');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function changePassword(domain: Domain, work: AuthWork & { readonly do: 'passwd' }) {
  const user = withTable(domain, (table) => table.get(work.user));
  if (!(await verifyPasswordAsync(bytesOf(work.password), user?.password)))
    throw refused('Invalid or incorrect password');
  // Who logs in by CRAM-MD5 shall not be locked out by a new password.
  const form = isClearPassword(user?.password) ? clearPassword : hashPassword;
  const password = form(bytesOf(work.fresh));
  await domain.update((draft) => {
    const current = draft.get(work.user);
    if (current === undefined) throw refused('Invalid or unknown virtual user');
    draft.set(work.user, { ...current, password });
  });
}

function listUsers(domain: Domain): ListedUser[] {
  return withTable(domain, (table) =>
    [...table.users()]
      .filter(([, user]) => user.hasMailbox)
      .map(([name, user]) => [name, user.directory] as const),
  );
}

/** Relative to the home. A user whose mailbox is missing sees the one that says so, as in VMailMgr. */
function maildirOf({ settings }: Domain, { directory }: VirtualUser): string {
  const there =
    directory !== '' && statSync(argText(directory), { throwIfNoEntry: false })?.isDirectory();
  return there === true ? directory : settings.directory('error-maildir');
}

function quotaOf({ hardQuota, messageCount }: VirtualUser): string {
  const limits = [
    [hardQuota, 'S'],
    [messageCount, 'C'],
  ] as const;
  // 0 would be no limit there.
  return limits
    .filter(([limit]) => limit !== UNLIMITED && limit > 0)
    .map(([limit, unit]) => `${limit}${unit}`)
    .join(',');
}

function environment({ account, env }: WorkerPlaces): NodeJS.ProcessEnv {
  return { ...pathOnly({ ...env }), HOME: account.home, USER: account.user };
}

/** A name nobody has proved to exist: without control characters, and whatever bytes it had as text. */
function plain(name: string): string {
  return name.replace(/[\x00-\x1f\x7f]/g, '?');
}
