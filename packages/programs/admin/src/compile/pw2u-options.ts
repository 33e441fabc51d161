// qmail-pw2u's options: single letters that may be grouped; of those that contradict each other the last counts.

import { mailText } from '@q/proc';

export interface Choice {
  /** An account whose home is missing is skipped, or stops everything; `any`: homes are not looked at. */
  readonly home: 'skip' | 'stop' | 'any';
  readonly upperCase: boolean;
  /** Between a user's name and an extension; '' for no extensions. One byte. */
  readonly separator: string;
  /** What qmail-local puts before the extension. */
  readonly dash: '-' | '-/';
}

const DEFAULTS: Choice = { home: 'skip', upperCase: false, separator: '-', dash: '-' };

const LETTERS: Readonly<Record<string, Partial<Choice>>> = {
  '/': { dash: '-/' },
  o: { home: 'skip' },
  h: { home: 'stop' },
  H: { home: 'any' },
  u: { upperCase: true },
  U: { upperCase: false },
  C: { separator: '' },
};

/** Undefined for an unknown option, or -c without its character. What follows the options is ignored, as ever. */
export function parseChoice(args: readonly string[]): Choice | undefined {
  let choice = DEFAULTS;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string;
    if (word === '--' || word === '-' || !word.startsWith('-')) break;
    for (let i = 1; i < word.length; i++) {
      const letter = word[i] as string;
      if (letter === 'c') {
        const rest = word.slice(i + 1);
        const value = rest === '' ? args[++at] : rest;
        if (value === undefined) return undefined;
        choice = { ...choice, separator: mailText(value).slice(0, 1) };
        break;
      }
      const change = LETTERS[letter];
      if (change === undefined) return undefined;
      choice = { ...choice, ...change };
    }
  }
  return choice;
}
