// qmail-ts(8), the front door: one command with sub-commands for whoever sets a server up.

import { parseArgs } from 'node:util';
import { Permanent } from '@q/fault';
import type { Invocation } from '@q/proc';
import { setupCommand } from './setup.ts';
import { startCommand } from './start.ts';

export interface SubCommand {
  readonly name: string;
  readonly summary: string;
  /** Option name → what it means; type as in util.parseArgs. */
  readonly options: Readonly<Record<string, SubOption>>;
  run(values: Values, invocation: Invocation): Promise<number>;
}

interface SubOption {
  readonly type: 'string' | 'boolean';
  readonly describe: string;
  readonly fallback?: string;
}

export type Values = Readonly<Record<string, string | boolean | undefined>>;

const COMMANDS: readonly SubCommand[] = [startCommand, setupCommand];

/** Runs the sub-command named by the first argument. Throws Permanent for an unknown one or a bad option. */
export async function frontDoorMain(invocation: Invocation): Promise<number> {
  // `qmail-ts start | head` closes our output early; the services do not end for that.
  process.stdout.on('error', () => {});
  const [name, ...words] = invocation.args;
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) throw new Permanent(`no command "${name}": try qmail-ts --help`);
  const values = parse(command, words);
  if (values.help === true) {
    process.stdout.write(helpOf(command));
    return 0;
  }
  return command.run(values, invocation);
}

function parse(command: SubCommand, words: readonly string[]): Values {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
  };
  for (const [name, option] of Object.entries(command.options))
    options[name] = { type: option.type };
  try {
    const { values } = parseArgs({ args: [...words], options, allowPositionals: false });
    return values as Values;
  } catch (error) {
    const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new Permanent(`${command.name}: ${detail} (try qmail-ts ${command.name} --help)`);
  }
}

function helpOf(command: SubCommand): string {
  const rows = Object.entries(command.options).map(([name, option]) => {
    const left = `  --${name}${option.type === 'string' ? ' VALUE' : ''}`;
    const fallback = option.fallback === undefined ? '' : ` (${option.fallback})`;
    return `${left.padEnd(24)}${option.describe}${fallback}`;
  });
  return `qmail-ts ${command.name} [options]\n\n${command.summary}\n\n${rows.join('\n')}\n`;
}
