// qmail-showctl(8): how this installation is set up, as somebody who helps would ask for it.

import { qmailHome } from '@q/control';
import { isFault } from '@q/fault';
import type { Invocation } from '@q/proc';
import { SPLIT } from '@q/queue-files';
import { SPAWN_LIMIT } from '@q/spawn';
import { BREAK, type QmailIds, qmailIds } from '@q/users';
import { jsonText, type Output, openOutput } from '../output.ts';
import { readSettings, type Shown, unknownFiles, warningsOf } from './read.ts';

/** Octal 002, in decimal: a .qmail file that others may write to is not used. */
const PATERNALISM = 2;

/** 0, or 111 when something could not be read; the rest is shown. */
export function showctlMain({ env, options }: Invocation): number {
  const home = qmailHome(env);
  const shown = readSettings(home);
  const out = openOutput();
  if (options.json === true) printJson(out, home, shown);
  else printClassic(out, home, shown);
  out.flush();
  return shown.some(({ trouble }) => trouble !== undefined) ? 111 : 0;
}

function printClassic(out: Output, home: string, shown: readonly Shown[]): void {
  out.write(`qmail home directory: ${bytes(home)}.\n`);
  out.write(`user-ext delimiter: ${BREAK}.\n`);
  out.write(`paternalism (in decimal): ${PATERNALISM}.\n`);
  out.write(`silent concurrency limit: ${SPAWN_LIMIT}.\n`);
  out.write(`subdirectory split: ${SPLIT}.\n`);
  out.write(idLines(home));
  for (const one of shown) out.write(`\n${one.setting.name}: ${textOf(one)}\n`);
  for (const name of unknownFiles(home))
    out.write(`\n${bytes(name)}: I have no idea what this file does.\n`);
  for (const warning of warningsOf(home)) out.write(`\nwarning: ${warning}\n`);
}

/** The values as they are in the file. Bytes that are no UTF-8 are shown as Latin-1. */
function printJson(out: Output, home: string, shown: readonly Shown[]): void {
  const ids = idsOf(home);
  out.json({
    home,
    delimiter: BREAK,
    paternalism: PATERNALISM,
    concurrencyLimit: SPAWN_LIMIT,
    split: SPLIT,
    ids: typeof ids === 'string' ? { trouble: ids } : ids,
    settings: shown.map(({ setting, byDefault, values, trouble }) => ({
      name: setting.name,
      kind: setting.kind,
      byDefault,
      values: values?.map(jsonText),
      trouble,
    })),
    unknown: unknownFiles(home),
    warnings: warningsOf(home),
  });
}

function textOf({ setting, byDefault, values, trouble }: Shown): string {
  if (trouble !== undefined) return trouble;
  const { kind, means, without } = setting;
  if (kind === 'other') return byDefault ? 'There is none.' : means('', '');
  const mark = byDefault ? '(Default.) ' : '';
  if (values === undefined)
    return mark + (without ?? 'Undefined: it would be control/me, which is missing.');
  if (byDefault || kind === 'line' || kind === 'int')
    return mark + means(printable(values[0] ?? ''), '');
  const entries = values.map((entry) => `\n${entryText(setting, printable(entry))}`);
  return entries.length === 0 ? '(Empty.)' : entries.join('');
}

function entryText({ kind, means }: Shown['setting'], entry: string): string {
  if (kind === 'list') return means(entry, '');
  const colon = entry.indexOf(':');
  return colon < 0
    ? `Without meaning, it has no colon: ${entry}.`
    : means(entry.slice(0, colon), entry.slice(colon + 1));
}

function idLines(home: string): string {
  const ids = idsOf(home);
  if (typeof ids === 'string') return `user ids: unknown: ${ids}.\n`;
  const { alias, qmaild, qmaill, qmailp, qmailq, qmailr, qmails, qmail, nofiles } = ids;
  const users = [alias, qmaild, qmaill, 0, qmailp, qmailq, qmailr, qmails].join(', ');
  return `user ids: ${users}.\ngroup ids: ${qmail}, ${nofiles}.\n`;
}

function idsOf(home: string): QmailIds | string {
  try {
    return qmailIds(home);
  } catch (error) {
    if (isFault(error)) return error.message;
    throw error;
  }
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, '_');
}

/** A path or name from Node, as the bytes it stands for, harmless for a terminal. */
function bytes(name: string): string {
  return printable(Buffer.from(name).toString('latin1'));
}
