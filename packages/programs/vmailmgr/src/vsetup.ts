// vsetup: prepares the account that runs it for its virtual domain. vsetup(1).
//
// .qmail-default is replaced in one step: at no moment is there none, so no mail bounces meanwhile.

import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asciiLower, bytesOf } from '@q/bytes';
import { errnoOf, errnoText, Permanent } from '@q/fault';
import { fsyncDir, linkFile, unlinkIfThere, writeFileAtomic } from '@q/fsx';
import type { Invocation } from '@q/proc';
import { checkUserName } from '@q/vmail-domain';
import { runHooks, userDefaults, type VirtualUser } from '@q/vmailmgr';
import { reasonOf, runTool, type Tool } from './tool.ts';

const CONTROL_FILE = '.qmail-default';
const SAVED = '.qmail-default~';
const CONTROL_MODE = 0o644;
const USERS_MODE = 0o755;

/** Exit code 0, or 1 when something could not be done. */
export function vsetupMain(invocation: Invocation): Promise<number> {
  return runTool('vsetup', invocation, async (tool) => {
    // qmail-local gives the line to sh.
    const program = join(dirname(invocation.program), 'vdeliver');
    const command = Buffer.from(`|${shellWord(program)}\n`);
    return (
      (await hook(tool, 'vsetup-pre', invocation)) &&
      makeUserDirectory(tool) &&
      (await writeControlFile(tool, command)) &&
      (await addPostmasters(tool)) &&
      (await hook(tool, 'vsetup-post', invocation))
    );
  });
}

async function hook(tool: Tool, name: string, { env }: Invocation): Promise<boolean> {
  const status = await runHooks(tool.domain.settings.hooks(name), { env: { ...env } });
  if (status !== 0) tool.complain(`Execution of '${name}' failed!`);
  return status === 0;
}

function makeUserDirectory(tool: Tool): boolean {
  const path = bytesOf(tool.domain.settings.directory('user-dir'));
  try {
    mkdirSync(path, { mode: USERS_MODE });
    tool.status('created users directory.');
  } catch (error) {
    const there = errnoOf(error) === 'EEXIST' && statSync(path).isDirectory();
    if (!there) {
      tool.complain(`error: could not create users directory: ${errnoText(error)}`);
      return false;
    }
    tool.status('users directory already exists.');
  }
  return true;
}

/** What another program wrote there is kept; what we wrote before is not worth it. */
async function writeControlFile(tool: Tool, command: Buffer): Promise<boolean> {
  try {
    const old = contentOf(CONTROL_FILE);
    if (old !== undefined && !old.equals(command)) {
      tool.complain(`warning: '${CONTROL_FILE}' file exists, renaming to '${SAVED}'.`);
      await unlinkIfThere(SAVED);
      await linkFile(CONTROL_FILE, SAVED);
    }
    await writeFileAtomic(CONTROL_FILE, command, { mode: CONTROL_MODE });
    await fsyncDir('.');
  } catch (error) {
    tool.complain(`error: writing to file '${CONTROL_FILE}' failed: ${errnoText(error)}`);
    return false;
  }
  tool.status(`wrote '${CONTROL_FILE}' file.`);
  return true;
}

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** An alias for each name, without a mailbox: nobody could read it. */
async function addPostmasters(tool: Tool): Promise<boolean> {
  const { settings } = tool.domain;
  const forwards = [settings.string('postmaster-email')];
  for (const alias of settings.list('postmaster-aliases').map(asciiLower)) {
    const user: VirtualUser = { ...userDefaults(settings), forwards };
    try {
      checkUserName(alias);
      const added = await tool.domain.update((draft) => {
        if (draft.has(alias)) return false;
        draft.set(alias, user);
        return true;
      });
      if (added) tool.status(`added alias '${alias}'`, alias);
      else tool.complain(`warning: user '${alias}' already exists, skipping.`, alias);
    } catch (error) {
      tool.complain(`error: adding alias '${alias}' failed:\n  ${reasonOf(error)}`, alias);
      return false;
    }
  }
  return true;
}

/** A path as sh takes it: as it is where that is possible, as everybody knows the file. */
function shellWord(path: string): string {
  if (/[\r\n]/.test(path)) throw new Permanent('the path of vdeliver has a line end in it');
  return /^[A-Za-z0-9_./:@%+,=-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
