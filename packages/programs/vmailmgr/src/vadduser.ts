// vadduser and vaddalias: a new record, with a directory, in a virtual domain. vadduser(1), vaddalias(1).

import { asciiLower } from '@q/bytes';
import { type Invocation, mailText } from '@q/proc';
import {
  addUser,
  checkedDirectory,
  checkForward,
  checkUserName,
  limitsOf,
  type UserLimits,
  withTable,
} from '@q/vmail-domain';
import { userDefaults, type VirtualUser } from '@q/vmailmgr';
import { checkHash, fieldFor, NO_LOGIN } from './hash-field.ts';
import { standardOutput } from './output.ts';
import { askNewPassword } from './prompt.ts';
import { reasonOf, runTool, type Tool } from './tool.ts';

const ADDING = 'error adding the virtual user';

/** Exit code 0, or 1 when the user was not added; trouble with an alias is only a warning. */
export function vadduserMain(invocation: Invocation): Promise<number> {
  return runTool('vadduser', invocation, (tool) => addUserAndAliases(tool, invocation));
}

/** `vaddalias NAME DEST...` is `vadduser -D -P -f DEST... NAME`, and speaks with its voice. */
export async function vaddaliasMain(invocation: Invocation): Promise<number> {
  const [name, ...forward] = invocation.args;
  if (name === undefined || forward.length === 0) {
    standardOutput.out('usage: vaddalias virtuser dest [dest ...]\n');
    return 1;
  }
  const { json } = invocation.options;
  const options = { 'no-mailbox': true, 'no-password': true, forward, json };
  return vadduserMain({ ...invocation, args: [name], options });
}

async function addUserAndAliases(tool: Tool, { args, options }: Invocation): Promise<boolean> {
  const [name = '', ...aliases] = args.map(mailText);
  if (!(await addNamed(tool, name, options))) return false;
  tool.status(`user '${name}' successfully added`, name);
  for (const alias of aliases) await addAlias(tool, asciiLower(alias), asciiLower(name));
  return true;
}

async function addNamed(
  tool: Tool,
  name: string,
  options: Invocation['options'],
): Promise<boolean> {
  const forwards = texts(options.forward);
  let limits: UserLimits;
  try {
    checkUserName(name);
    limits = limitsOf(options, tool.domain.settings, now());
    if (exists(tool, name)) return alreadyThere(tool, name);
  } catch (error) {
    return refuse(tool, ADDING, error, name);
  }
  try {
    withTable(tool.domain, (table) => {
      for (const address of forwards) checkForward(address, (user) => table.has(user));
    });
  } catch (error) {
    return refuse(tool, 'invalid forwarding address', error, name);
  }
  try {
    const password = await passwordField(tool, options);
    if (password === undefined) return false;
    const user: VirtualUser = {
      ...userDefaults(tool.domain.settings),
      ...limits,
      password,
      directory: directoryFor(tool, name, texts(options.directory)[0]),
      forwards,
      personal: texts(options.personal)[0] ?? '',
      hasMailbox: options['no-mailbox'] !== true,
    };
    return (await addUser(tool.domain, name, user)) || alreadyThere(tool, name);
  } catch (error) {
    return refuse(tool, ADDING, error, name);
  }
}

async function addAlias(tool: Tool, alias: string, target: string): Promise<void> {
  try {
    checkUserName(alias);
    const user: VirtualUser = {
      ...userDefaults(tool.domain.settings),
      directory: directoryFor(tool, alias, undefined),
      forwards: [target],
    };
    if (!(await addUser(tool.domain, alias, user)))
      tool.complain(`warning: alias '${alias}' already exists.`, alias);
  } catch (error) {
    refuse(tool, `warning: adding the alias '${alias}' failed`, error, alias);
  }
}

/** What to store; undefined when no password was given, which has been said then. */
async function passwordField(
  tool: Tool,
  options: Invocation['options'],
): Promise<string | undefined> {
  const [ready] = texts(options.password);
  if (ready !== undefined) return checkHash(ready);
  if (options['no-password'] === true) return NO_LOGIN;
  const password = await askNewPassword(tool.name, tool.output);
  return password && fieldFor(password, options);
}

/** The case of the name stays in the directory, as VMailMgr has it. */
function directoryFor(tool: Tool, name: string, chosen: string | undefined): string {
  return checkedDirectory(chosen === undefined ? tool.domain.directoryOf(name) : `./${chosen}`);
}

function exists(tool: Tool, name: string): boolean {
  return withTable(tool.domain, (table) => table.has(name));
}

function alreadyThere(tool: Tool, name: string): false {
  tool.insist(`error: user '${name}' already exists.`, name);
  return false;
}

function refuse(tool: Tool, what: string, error: unknown, name: string): false {
  tool.complain(`${what}:\n  ${reasonOf(error)}`, name);
  return false;
}

function texts(option: Invocation['options'][string]): string[] {
  const values = Array.isArray(option) ? option : [option];
  return values.filter((value) => typeof value === 'string').map(mailText);
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
