// Manuals and programs say the same: every executable has its page, and an option stands in --help and in
// the page, or in neither.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { installed, run } from './lib/run.ts';

const ROOT = join(import.meta.dirname, '..');
const MAN = join(ROOT, 'man');

const programs = readdirSync(join(ROOT, 'bin/src')).map((file) => basename(file, '.ts'));
const pages = readdirSync(MAN);

/** --help, -h and --version are every program's; the pages do not repeat them. */
const EVERYWHERE = new Set(['--help', '-h', '--version']);

test.each(programs)('%s has a page in section 1 or 8', (program) => {
  expect(
    pages.filter(
      (page) => /^[18]$/.test(page.slice(program.length + 1)) && page.startsWith(`${program}.`),
    ),
  ).toHaveLength(1);
});

test.each(pages)('%s is headed by its own name and section', (page) => {
  const source = textOf(page);
  const [, name = '', section = ''] = /^(.*)\.([1-8])$/.exec(page) ?? [];
  expect(source).toMatch(new RegExp(`^\\.Dt ${literally(name.toUpperCase())} ${section}$`, 'm'));
  const named = [...sectionOf(source, 'NAME').matchAll(/^\.Nm (\S+)/gm)].map(([, nm]) => nm);
  expect(named).toContain(name);
});

test.each(programs)('%s has the same options in --help and in its page', async (program) => {
  const help = await helpOf(program);
  const page = textOf(pages.find((name) => name.replace(/\.[18]$/, '') === program) ?? '');
  const documented = optionsInPage(page);
  // What all network servers share is described there.
  const shared = /^\.Xr qmail-listen 7/m.test(page) ? optionsInPage(textOf('qmail-listen.7')) : [];
  const missingInPage = [...optionsListed(help)].filter(
    (option) => !documented.has(option) && ![...shared].includes(option),
  );
  expect(missingInPage).toEqual([]);
  expect([...documented].filter((option) => !isMentioned(option, help))).toEqual([]);
});

test.runIf(installed('mandoc'))(
  'no page has anything mandoc would warn of (needs mandoc)',
  async () => {
    const paths = pages.map((page) => join(MAN, page));
    const { out, err } = await run('mandoc', ['-T', 'lint', '-W', 'warning', ...paths]);
    expect(out.toString() + err).toBe('');
  },
);

function textOf(page: string): string {
  return page === '' ? '' : readFileSync(join(MAN, page), 'utf8');
}

function sectionOf(source: string, title: string): string {
  return source.split(/^\.Sh /m).find((section) => section.startsWith(`${title}\n`)) ?? '';
}

/** The options of the list in --help: "  -c, --max  most connections". */
function optionsListed(help: string): Set<string> {
  const options = new Set<string>();
  for (const line of help.slice(help.indexOf('Options:')).split('\n')) {
    const listed = /^ {2,}(-[^\s,]+(?:, -[^\s,]+)*)/.exec(line)?.[1];
    for (const option of listed?.split(', ') ?? [])
      if (!EVERYWHERE.has(option)) options.add(option);
  }
  return options;
}

/** Programs that read their arguments in their own way name them in the text: "[-frd]". */
function isMentioned(option: string, help: string): boolean {
  const group = option.startsWith('--') ? option : `-[^\\s\\]|]*${literally(option.slice(1))}`;
  return new RegExp(`(?<![A-Za-z0-9-])${group}`).test(help);
}

/** The options in a page's synopsis and at the head of its list items. -abc in a synopsis is three. */
function optionsInPage(source: string): Set<string> {
  const items = [...source.matchAll(/^\.It (.*)$/gm)].map(([, item]) => item).join('\n');
  const options = new Set<string>();
  for (const line of `${sectionOf(source, 'SYNOPSIS')}\n${items}`.split('\n')) {
    let flags = false;
    for (const word of line.split(/\s+/)) {
      if (/^[.]?[A-Z][a-z]$/.test(word)) flags = word.endsWith('Fl');
      else if (flags && !/^[,|]$/.test(word)) addFlag(options, word);
    }
  }
  return options;
}

/** What stands after Fl: one letter or several, or "-name" for a long option. */
function addFlag(options: Set<string>, flag: string): void {
  const long = /^\\?-([a-z].*)$/.exec(flag)?.[1];
  if (long !== undefined) options.add(`--${long}`);
  else if (!flag.startsWith('-')) for (const letter of flag) options.add(`-${letter}`);
}

/** With that of its commands, if it has such. */
async function helpOf(...words: readonly string[]): Promise<string> {
  const [program = '', ...command] = words;
  const { out, code } = await run(join(DIST, program), [...command, '--help']);
  expect(code).toBe(0);
  const help = out.toString('utf8');
  const [, list = ''] = help.split(/^Commands:\n/m);
  const commands = [...list.matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, name = '']) => name);
  const more = command.length > 0 ? [] : commands.map((name) => helpOf(program, name));
  return [help, ...(await Promise.all(more))].join('\n');
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
