// showvconfig: the settings that hold for the domain of the account that runs it. showvconfig(1).

import type { Invocation } from '@q/proc';
import { SETTINGS, type SettingName, type Settings, UNLIMITED } from '@q/vmailmgr';
import { jsonLine, limitOrNull } from './json.ts';
import { runTool } from './tool.ts';

type Value = string | number | readonly string[];

/** Exit code 0, or 1 when a setting cannot be read. */
export function showvconfigMain(invocation: Invocation): Promise<number> {
  return runTool('showvconfig', invocation, ({ domain, output }) => {
    const names = Object.keys(SETTINGS) as SettingName[];
    const values = names.map((name): [string, Value] => [name, settingOf(domain.settings, name)]);
    output.out(
      invocation.options.json === true
        ? jsonLine(Object.fromEntries(values.map(([name, value]) => [name, forJson(value)])))
        : values.map(([name, value]) => paragraph(name, value)).join(''),
    );
    return true;
  });
}

function settingOf(settings: Settings, name: SettingName): Value {
  switch (SETTINGS[name].type) {
    case 'number':
      return settings.number(name as Parameters<Settings['number']>[0]);
    case 'list':
      return settings.list(name as Parameters<Settings['list']>[0]);
    case 'directory':
      return settings.directory(name as Parameters<Settings['directory']>[0]);
    case 'string':
      return settings.string(name as Parameters<Settings['string']>[0]);
  }
}

function paragraph(name: string, value: Value): string {
  if (typeof value === 'number') return `${name}: ${value === UNLIMITED ? -1 : value}\n\n`;
  if (typeof value === 'string') return `${name}: ${value}\n\n`;
  if (value.length === 0) return `${name} is empty.\n\n`;
  return `${value.map((line) => `${name}: ${line}\n`).join('')}\n`;
}

function forJson(value: Value): Value | null {
  return typeof value === 'number' ? limitOrNull(value) : value;
}
