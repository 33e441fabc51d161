// The login hooks of VMailMgr that a worker can run, in its user's name: checkvpw-postsetuid after a login
// (bulletins are put into the maildir by it), checkvpw-loginfail after a refusal. Most hosts have none, and
// no process is started then. checkvpw-presetuid, which runs as root, is qmail-popup and checkvpw's alone.

import { Temporary } from '@q/fault';
import { pathOnly, spawn } from '@q/proc';
import { type Settings, type VirtualUser, virtualEnvironment } from '@q/vmailmgr';
import type { Account } from './messages.ts';

type Env = NodeJS.ProcessEnv;

/** Throws Temporary when a hook fails: the login is not to go on then. */
export async function afterLogin(
  settings: Settings,
  account: Account,
  name: string,
  user: VirtualUser,
  env: Env,
): Promise<void> {
  const hooks = settings.hooks('checkvpw-postsetuid');
  if (hooks.length === 0) return;
  const variables = { ...environment(account, env), ...virtualEnvironment(name, user) };
  if (!(await run(hooks, variables))) throw new Temporary('checkvpw-postsetuid failed');
}

/** Tells the hooks why; what they make of it changes nothing. */
export async function afterRefusal(
  settings: Settings,
  account: Account,
  name: string,
  reason: string,
  env: Env,
): Promise<void> {
  const hooks = settings.hooks('checkvpw-loginfail');
  const variables = { ...environment(account, env), VUSER: plain(name), CHECKVPW_ERROR: reason };
  await run(hooks, variables).catch(() => {});
}

/** One after the other; false as soon as one fails. */
async function run(hooks: readonly string[], env: Env): Promise<boolean> {
  for (const file of hooks) {
    const hook = await spawn({ file, args: [], env, stdio: ['ignore', 'ignore', 2] });
    const exit = await hook.exited;
    if ('signal' in exit || exit.code !== 0) return false;
  }
  return true;
}

function environment(account: Account, env: Env): Env {
  return { ...pathOnly(env), HOME: account.home, USER: account.name };
}

/** A name nobody has proved to exist: without control characters, and whatever bytes it had as text. */
function plain(name: string): string {
  return name.replace(/[\x00-\x1f\x7f]/g, '?');
}
