// vconf2dir: turns the one configuration file of VMailMgr 0.92.2 and before into a directory of settings.
// vconf2dir(1).
//
//   file = *( setting / "#" ANY / blank ) ;  setting = name *SP "=" *SP value

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOf, textOf } from '@q/bytes';
import { errnoText, faultOf, Permanent } from '@q/fault';
import { writeFileAtomic } from '@q/fsx';
import type { Invocation } from '@q/proc';
import { CONFIG_FILE_MAX } from './limits.ts';
import { standardOutput } from './output.ts';

const MODE = 0o644;
/** The only list there was. */
const LIST = 'postmaster-aliases';

/** Exit code 0, or 1. */
export async function vconf2dirMain(invocation: Invocation): Promise<number> {
  const [file, directory, ...more] = invocation.args;
  if (file === undefined || directory === undefined || more.length > 0) {
    standardOutput.out('Usage: vconf2dir configuration-file configuration-dir\n');
    return 1;
  }
  try {
    const settings = parseConfiguration(readConfiguration(file));
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
      standardOutput.out(`vconf2dir: ${directory} is not a directory.\n`);
      return 1;
    }
    for (const [name, value] of settings) {
      const path = join(directory, name);
      await writeFileAtomic(path, bytesOf(value), { mode: MODE });
    }
    return 0;
  } catch (error) {
    standardOutput.err(`vconf2dir: ${faultOf(error, 'internal error').message}\n`);
    return 1;
  }
}

/** File names and contents. Throws Permanent for a name that cannot be a setting's: it could lead elsewhere. */
export function parseConfiguration(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^ *([^=#][^=]*?) *= *(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name))
      throw new Permanent(`'${name}' is no name of a setting`);
    settings.set(name, `${name === LIST ? linesOf(value) : value.trimEnd()}\n`);
  }
  return settings;
}

function linesOf(value: string): string {
  const entries = value.split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '').join('\n');
}

function readConfiguration(file: string): string {
  try {
    const stats = statSync(file);
    if (!stats.isFile() || stats.size > CONFIG_FILE_MAX) throw new Permanent('not a configuration');
    return textOf(readFileSync(file));
  } catch (error) {
    throw new Permanent(`unable to read '${file}': ${errnoText(error)}`, { cause: error });
  }
}
