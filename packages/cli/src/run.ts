// From argv to a program's main function, and from its outcome to an exit code. Arguments without
// options go straight through; yargs is loaded only when one begins with "-".

import { resolve } from 'node:path';
import { faultOf, isFault } from '@q/fault';
import type { Invocation } from '@q/proc';
import { VERSION } from './version.ts';

export interface OptionSpec {
  readonly alias?: string;
  readonly type: 'boolean' | 'string' | 'number';
  /** May be given several times; main gets a list. */
  readonly array?: boolean;
  readonly describe: string;
}

export interface ProgramSpec {
  readonly name: string;
  readonly summary: string;
  /** What stands after the name in a usage line. */
  readonly synopsis: string;
  readonly options?: Readonly<Record<string, OptionSpec>>;
  /** Number of positional arguments; 0 when not given. */
  readonly min?: number;
  readonly max?: number;
  /** Exit code of a wrong call: 100, or what the program of that name has always used. */
  readonly usageExit?: number;
  /** Faults are not printed: stderr is no place for them there. */
  readonly quietFaults?: boolean;
  /** Arguments are data that may begin with "-"; only a lone --help or --version is an option. */
  readonly rawArgs?: boolean;
  /** A lone "-" ends the options like "--" and is swallowed, as by VMailMgr's programs. */
  readonly dashEnds?: boolean;
  /** Exit codes, environment and files, for --help. */
  readonly notes?: string;
}

export type Main = (invocation: Invocation) => Promise<number> | number;

/** Runs `main` for this process and sets its exit code. To be called once, by an executable's entry file. */
export function run(spec: ProgramSpec, main: Main): void {
  runWith(spec, main, process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const fault = faultOf(error, 'internal error');
      const bug = !isFault(error);
      if (spec.quietFaults !== true) say(`${spec.name}: fatal: ${fault.message}`);
      if (bug && process.env.QMAILDEBUG !== undefined && error instanceof Error)
        say(String(error.stack));
      process.exit(fault.exitCode);
    },
  );
}

async function runWith(spec: ProgramSpec, main: Main, argv: readonly string[]): Promise<number> {
  const parsed = await parse(spec, argv);
  if ('exit' in parsed) return parsed.exit;
  const { args, options } = parsed;
  const min = spec.min ?? 0;
  if (args.length < min || args.length > (spec.max ?? min)) return usage(spec);
  return main({ program: resolve(process.argv[1] ?? spec.name), args, options, env: process.env });
}

type Parsed = Pick<Invocation, 'args' | 'options'> | { readonly exit: number };

async function parse(spec: ProgramSpec, argv: readonly string[]): Promise<Parsed> {
  const first = argv[0];
  if (first === '-' && spec.dashEnds === true) return { args: argv.slice(1), options: {} };
  if (first === undefined || !first.startsWith('-') || first === '-')
    return { args: argv, options: {} };
  if (
    spec.rawArgs === true &&
    !(argv.length === 1 && (first === '--help' || first === '--version'))
  ) {
    return { args: argv, options: {} };
  }
  // qmail-lspawn runs "qmail-local -- user home ..." for each delivery.
  if (first === '--') return { args: argv.slice(1), options: {} };
  // A worker form has no other argument, and should not carry the parser about all its life.
  if (argv.length === 1 && spec.options?.[first.slice(2)]?.type === 'boolean' && isLong(first))
    return { args: [], options: { [first.slice(2)]: true } };
  const { parseOptions } = await import('./options.ts');
  return parseOptions(spec, argv, VERSION);
}

function isLong(word: string): boolean {
  return /^--[a-z]{2}/.test(word);
}

function usage(spec: ProgramSpec): number {
  say(`${spec.name}: usage: ${spec.name} ${spec.synopsis}`.trimEnd());
  return spec.usageExit ?? 100;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
