// Answers a request of Courier's: finds the domain's owner, has the owner's worker look into the table, and
// writes the reply. Runs as root on a real host, and reads host-wide files only.
//
//   reply   = account / "FAIL" LF / "OK" LF / list
//   account = *( name "=" text LF ) "." LF        ; UID GID HOME ADDRESS NAME MAILDIR QUOTA OPTIONS
//   list    = *( user HT uid HT gid HT home HT maildir HT options LF ) "." LF

import { asciiLower, bytesOf } from '@q/bytes';
import { openControl } from '@q/control';
import { faultOf, Temporary } from '@q/fault';
import { escapeForLog, type Log, quoteForLog } from '@q/log';
import { argText, mailText } from '@q/proc';
import type { WorkerPool } from '@q/service';
import {
  type BaseUser,
  EXIT_LOGIN_REFUSED,
  findBaseUser,
  openSettings,
  resolveLogin,
  verifyPasswordAsync,
} from '@q/vmailmgr';
import { DOMAINS_MAX, WORK_TIMEOUT } from '../limits.ts';
import type { Env } from '../service/service.ts';
import type { AuthRequest } from './request.ts';
import { type AuthResult, authResultOf, type FoundUser } from './result.ts';

export interface AuthPlaces {
  readonly env: Env;
  readonly workers: WorkerPool;
  readonly log: Log;
}

/** The reply that says no. */
export const FAIL = 'FAIL\n';
const END = '.\n';

/** The reply. Throws Temporary when there is none: Courier takes silence for "try again later". */
export async function answerAuth(request: AuthRequest, places: AuthPlaces): Promise<string> {
  if (request.do === 'unknown') return FAIL;
  if (request.do === 'list') return enumerate(places);
  const found = await resolve(request, places.env);
  // The owner itself is a system user: that is another module's.
  if (found === undefined || found.virtualName === '') return FAIL;
  const { base, virtualName } = found;
  const result = await ask(places, base, { ...request, user: virtualName });
  if (result.verdict === 'refused') {
    places.log(`refused: user "${quoteForLog(request.user)}": ${escapeForLog(result.reason)}`);
    return FAIL;
  }
  if (result.verdict === 'done') return 'OK\n';
  if (result.verdict !== 'ok') throw new Temporary('the worker of this domain failed');
  return accountReply(asciiLower(request.user), base, result.user);
}

/** Throws Temporary when the worker gives no result. */
export async function ask(
  { workers }: Pick<AuthPlaces, 'workers'>,
  base: BaseUser,
  work: AuthRequest,
): Promise<AuthResult> {
  const result = authResultOf(await workers.do(base, work, { timeout: WORK_TIMEOUT }));
  if (result === undefined) throw new Temporary('the worker of this domain failed');
  return result;
}

/** Undefined for a name that means nobody, after as much time as a wrong password takes. */
async function resolve(request: AuthRequest & { readonly user: string }, env: Env) {
  try {
    return resolveLogin(request.user, { settings: openSettings({ env }) });
  } catch (error) {
    const fault = faultOf(error, 'unable to resolve a login');
    if (fault.exitCode !== EXIT_LOGIN_REFUSED) throw fault;
    if (request.do === 'login') await verifyPasswordAsync(bytesOf(request.password), undefined);
    return undefined;
  }
}

function accountReply(address: string, { uid, gid, home }: BaseUser, user: FoundUser): string {
  const fields = {
    UID: String(uid),
    GID: String(gid),
    HOME: mailText(home),
    ADDRESS: address,
    NAME: user.personal,
    MAILDIR: user.maildir,
    QUOTA: user.quota,
  };
  const lines = Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${oneLine(value)}\n`);
  return lines.join('') + END;
}

/** All users of all virtual domains. A domain that cannot be read is passed over. */
async function enumerate(places: AuthPlaces): Promise<string> {
  const root = argText(openSettings({ env: places.env }).directory('qmail-root'));
  const lines = openControl(root).list('virtualdomains') ?? [];
  let reply = '';
  for (const line of lines.slice(0, DOMAINS_MAX)) {
    const [domain = '', owner = ''] = line.split(/:(.*)/s);
    if (domain === '' || domain.startsWith('.') || owner === '') continue;
    try {
      const base = (findBaseUser(owner, root, {}) ?? findBaseUser(`${owner}-`, root, {}))?.base;
      if (base === undefined || base.uid === 0) continue;
      const result = await ask(places, base, { do: 'list' });
      if (result.verdict !== 'listed') throw new Temporary('no list');
      const { uid, gid, home } = base;
      for (const [name, maildir] of result.users) {
        const words = [`${name}@${asciiLower(domain)}`, uid, gid, mailText(home), maildir, ''];
        reply += `${words.map((word) => oneLine(String(word))).join('\t')}\n`;
      }
    } catch (error) {
      const { message } = faultOf(error, 'internal error');
      places.log(`warning: ${quoteForLog(domain)}: ${escapeForLog(message)}`);
    }
  }
  return reply + END;
}

/** A record can hold anything; a line end or tab in it would be a field that somebody made up. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, '?');
}
