// vaddusers: adds the users on standard input to a virtual domain, with aliases. vaddusers(1).

import { asciiLower } from '@q/bytes';
import type { Invocation } from '@q/proc';
import {
  addInDraft,
  checkedDirectory,
  checkUserName,
  prepareDirectory,
  withTable,
} from '@q/vmail-domain';
import { type Draft, userDefaults, type VirtualUser } from '@q/vmailmgr';
import { type BulkLine, bulk, wordsOf } from './bulk.ts';
import { fieldMaker, NO_LOGIN } from './hash-field.ts';
import { reasonOf, runTool, type Tool } from './tool.ts';

/** A line on its way into the table. */
type Prepared =
  | { readonly say: string; readonly name?: string }
  | {
      readonly name: string;
      readonly user: VirtualUser;
      readonly ready: boolean;
      readonly aliases: readonly string[];
    };

/** Exit code 0, or 1 when there were errors. */
export function vaddusersMain(invocation: Invocation): Promise<number> {
  return runTool('vaddusers', invocation, (tool) => {
    const fieldOf = fieldMaker(invocation.options);
    return bulk(tool, {
      prepare: (line) => prepare(tool, line, fieldOf),
      store: (prepared) => store(tool, prepared),
    });
  });
}

async function prepare(
  tool: Tool,
  line: BulkLine,
  fieldOf: (word: string) => Promise<string>,
): Promise<Prepared> {
  const [name, password, ...aliases] = wordsOf(line.text).map((word, i) =>
    i === 1 ? word : asciiLower(word),
  );
  if (name === undefined || password === undefined || line.overlong)
    return { say: `invalid line, ignoring:\n  ${line.text}` };
  if (withTable(tool.domain, (table) => table.has(name))) return { say: exists(name), name };
  try {
    checkUserName(name);
    const user = {
      ...userDefaults(tool.domain.settings),
      password: await fieldOf(password),
      directory: checkedDirectory(tool.domain.directoryOf(name)),
      hasMailbox: true,
    };
    return { name, user, ready: await prepareDirectory(user), aliases };
  } catch (error) {
    return { say: failed(error), name };
  }
}

/** All of them in one change of the table; what is said is true when it is said. */
async function store(tool: Tool, prepared: readonly Prepared[]): Promise<number> {
  try {
    const outcomes = await tool.domain.update((draft) => addAll(tool, draft, prepared));
    for (const { name, added, errors } of outcomes) {
      if (added !== undefined) tool.plain(added, name);
      for (const error of errors) tool.complain(error, name);
    }
    return outcomes.reduce((sum, { errors }) => sum + errors.length, 0);
  } catch (error) {
    for (const line of prepared)
      tool.complain('say' in line ? line.say : failed(error, line.name), line.name);
    return prepared.length;
  }
}

interface Outcome {
  readonly name: string | undefined;
  /** "added user 'X', alias 'Y'" */
  readonly added: string | undefined;
  readonly errors: readonly string[];
}

async function addAll(tool: Tool, draft: Draft, lines: readonly Prepared[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const line of lines)
    outcomes.push(
      'say' in line
        ? { name: line.name, added: undefined, errors: [line.say] }
        : await addOne(tool, draft, line),
    );
  return outcomes;
}

async function addOne(
  tool: Tool,
  draft: Draft,
  line: Exclude<Prepared, { say: string }>,
): Promise<Outcome> {
  const { name, user, ready, aliases } = line;
  try {
    if (!(await addInDraft(draft, name, user, ready)))
      return { name, added: undefined, errors: [exists(name)] };
  } catch (error) {
    return { name, added: undefined, errors: [failed(error)] };
  }
  let added = `added user '${name}'`;
  const errors: string[] = [];
  for (const alias of aliases) {
    const trouble = await addAlias(tool, draft, alias, name);
    if (trouble === undefined) added += `, alias '${alias}'`;
    else errors.push(trouble);
  }
  return { name, added, errors };
}

/** Undefined when it was added. */
async function addAlias(
  tool: Tool,
  draft: Draft,
  alias: string,
  target: string,
): Promise<string | undefined> {
  try {
    checkUserName(alias);
    const user = {
      ...userDefaults(tool.domain.settings),
      password: NO_LOGIN,
      directory: checkedDirectory(tool.domain.directoryOf(alias)),
      forwards: [target],
    };
    if (await addInDraft(draft, alias, user)) return undefined;
    return `warning: alias '${alias}' already exists, skipping.`;
  } catch (error) {
    return `warning: adding the alias '${alias}' failed:\n  ${reasonOf(error)}`;
  }
}

function exists(name: string): string {
  return `error: user '${name}' already exists, skipping.`;
}

function failed(error: unknown, name?: string): string {
  const whom = name === undefined ? 'the virtual user' : `the virtual user '${name}'`;
  return `error adding ${whom}, skipping aliases:\n  ${reasonOf(error)}`;
}
