// The settings of one installation, as they are: each with its value, or with what holds instead.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Control, openControl } from '@q/control';
import { errnoOf, isFault, Temporary } from '@q/fault';
import { soft } from '../trouble.ts';
import { SETTINGS, type Setting } from './settings.ts';

export interface Shown {
  readonly setting: Setting;
  /** The file is not there. */
  readonly byDefault: boolean;
  /** One for line and int, entries for list and map; undefined when nothing holds. */
  readonly values: readonly string[] | undefined;
  /** Why the file could not be read. */
  readonly trouble?: string;
}

/** Each known setting in order; files of unknown use are not among them. */
export function readSettings(home: string): Shown[] {
  const control = openControl(home);
  const names = new Set(namesIn(home));
  return SETTINGS.map((setting) => {
    try {
      return { setting, byDefault: !names.has(setting.name), values: valuesOf(control, setting) };
    } catch (error) {
      if (!isFault(error)) throw error;
      return { setting, byDefault: false, values: undefined, trouble: error.message };
    }
  });
}

/** Files in control that nothing here reads. */
export function unknownFiles(home: string): string[] {
  const known = new Set(SETTINGS.map(({ name }) => name));
  return namesIn(home)
    .filter((name) => !known.has(name))
    .sort();
}

/** What is wrong with the whole, in sentences. */
export function warningsOf(home: string): string[] {
  const text = mtimeOf(join(home, 'control/morercpthosts'));
  const cdb = mtimeOf(join(home, 'control/morercpthosts.cdb'));
  if (text === undefined) return [];
  if (cdb === undefined)
    return ['morercpthosts has no effect: morercpthosts.cdb is missing. Run qmail-newmrh.'];
  return text > cdb ? ['morercpthosts.cdb is older than morercpthosts. Run qmail-newmrh.'] : [];
}

function valuesOf(control: Control, setting: Setting): readonly string[] | undefined {
  const { name, kind } = setting;
  if (kind === 'other') return undefined;
  if (kind === 'list' || kind === 'map') {
    return control.list(name) ?? (setting.me === true ? ownName(control) : undefined);
  }
  const text = control.line(name);
  // A number that is none counts as missing.
  const value = kind === 'int' ? text?.match(/^[0-9]+/)?.[0] : text;
  if (value !== undefined) return [value];
  const own = setting.me === true ? ownName(control) : undefined;
  return own ?? (setting.fallback === undefined ? undefined : [setting.fallback]);
}

function ownName(control: Control): readonly string[] | undefined {
  const me = control.me();
  return me === undefined ? undefined : [me];
}

function namesIn(home: string): string[] {
  const path = join(home, 'control');
  try {
    return readdirSync(path).filter((name) => !name.startsWith('.'));
  } catch (error) {
    throw soft(error, `unable to read ${path}`);
  }
}

function mtimeOf(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new Temporary(`unable to look at ${path}`, { cause: error });
  }
}
