// The slow path of the command line: options, --help and --version, by yargs.

import yargs, { type Options } from 'yargs';
import type { OptionSpec, ProgramSpec } from './run.ts';

type Value = string | boolean | number | readonly string[] | undefined;

export type Outcome =
  | { readonly args: readonly string[]; readonly options: Readonly<Record<string, Value>> }
  | { readonly exit: number };

/**
 * Parses options up to the first positional or "--", as getopt does, so that the arguments of a
 * program named in the middle ("qmail-popup HOST checkvpw -x") stay its own. Prints help, version or a
 * usage error itself and says the exit code then.
 */
export async function parseOptions(
  spec: ProgramSpec,
  argv: readonly string[],
  version: string,
): Promise<Outcome> {
  const known = spec.options ?? {};
  const { before, after } = splitAtPositional(
    argv,
    known,
    spec.dashEnds === true ? ['--', '-'] : ['--'],
  );
  let exit: number | undefined;
  const parser = yargs([...before])
    .scriptName(spec.name)
    .usage(`$0 ${spec.synopsis}\n\n${spec.summary}`.trim())
    .options(Object.fromEntries(Object.entries(known).map(([name, o]) => [name, yargsOption(o)])))
    .parserConfiguration({
      'camel-case-expansion': false,
      'boolean-negation': false,
      'parse-positional-numbers': false,
      'dot-notation': false,
    })
    .help('help')
    .version(version)
    .alias('h', 'help')
    .strictOptions()
    .exitProcess(false)
    .epilogue(spec.notes ?? '')
    .wrap(process.stdout.isTTY === true ? Math.min(process.stdout.columns, 100) : 100)
    .fail((message) => {
      process.stderr.write(`${spec.name}: ${message}\nTry "${spec.name} --help".\n`);
      exit = spec.usageExit ?? 100;
    });
  if (known.h !== undefined || Object.values(known).some((o) => o.alias === 'h'))
    parser.alias('h', []);
  const values = await parser.parseAsync();
  if (exit !== undefined) return { exit };
  if (values.help === true || values.version === true) return { exit: 0 };
  return { args: after, options: chosen(values, known) };
}

/**
 * Cuts argv at the first positional or one of `ends`, which are left out. Options before it come out one by one in the form
 * --name or --name=value, so that a value may begin with "-"; unknown ones come out as they are.
 */
function splitAtPositional(
  argv: readonly string[],
  known: Readonly<Record<string, OptionSpec>>,
  ends: readonly string[],
): { before: readonly string[]; after: readonly string[] } {
  const before: string[] = [];
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at] as string;
    if (ends.includes(word)) return { before, after: argv.slice(at + 1) };
    if (!word.startsWith('-') || word === '-') break;
    const { words, wants } = word.startsWith('--') ? long(word, known) : short(word, known);
    const value = argv[at + 1];
    if (wants !== undefined && value !== undefined) {
      words.push(`--${wants}=${value}`);
      at++;
    } else if (wants !== undefined) words.push(`--${wants}`);
    before.push(...words);
  }
  return { before, after: argv.slice(at) };
}

type Words = { words: string[] /** The option whose value is the next word. */; wants?: string };

function long(word: string, known: Readonly<Record<string, OptionSpec>>): Words {
  const spec = known[word.slice(2)];
  return spec !== undefined && spec.type !== 'boolean'
    ? { words: [], wants: word.slice(2) }
    : { words: [word] };
}

/** A group of one-letter options; the first that takes a value takes the rest of the word, or the next word. */
function short(word: string, known: Readonly<Record<string, OptionSpec>>): Words {
  const words: string[] = [];
  for (let i = 1; i < word.length; i++) {
    const letter = word[i] as string;
    const name = Object.keys(known).find((key) => key === letter || known[key]?.alias === letter);
    if (name === undefined) {
      words.push(`-${letter}`);
    } else if (known[name]?.type === 'boolean') {
      words.push(`--${name}`);
    } else {
      const rest = word.slice(i + 1);
      if (rest === '') return { words, wants: name };
      words.push(`--${name}=${rest}`);
      break;
    }
  }
  return { words };
}

function yargsOption(spec: OptionSpec): Options {
  const option: Options = {
    type: spec.type,
    describe: spec.describe,
    requiresArg: spec.type !== 'boolean',
  };
  if (spec.alias !== undefined) option.alias = spec.alias;
  if (spec.array === true) {
    option.array = true;
    option.nargs = 1;
  }
  return option;
}

/** Options by their long names only; a value given twice without `array` counts as given last. */
function chosen(
  values: Record<string, unknown>,
  known: Readonly<Record<string, OptionSpec>>,
): Record<string, Value> {
  const options: Record<string, Value> = {};
  for (const [name, spec] of Object.entries(known)) {
    const value = values[name];
    if (value === undefined) continue;
    options[name] = (Array.isArray(value) && spec.array !== true ? value.at(-1) : value) as Value;
  }
  return options;
}
