// The command line of qmail-inject, read as getopt reads it: qmail-inject(8).

import { mailText } from '@q/proc';

export interface Arguments {
  /** Where recipients come from. */
  readonly recipientsFrom: 'arguments' | 'header' | 'both';
  /** False to print the message instead. */
  readonly queue: boolean;
  /** -f, as mail text. */
  readonly sender?: string;
  /** As mail text; empty when they are not to be used. */
  readonly recipients: readonly string[];
}

export interface WrongCall {
  /** What getopt says: "illegal option -- x". */
  readonly problem: string;
}

/** Reads options up to the first argument that is none. Later ones go before earlier ones. */
export function parseArguments(argv: readonly string[]): Arguments | WrongCall {
  let strategy: 'a' | 'A' | 'h' | 'H' = 'A';
  let queue = true;
  let sender: string | undefined;
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at] as string;
    if (!word.startsWith('-') || word === '-') break;
    if (word === '--') {
      at++;
      break;
    }
    for (let i = 1; i < word.length; i++) {
      const letter = word[i] as string;
      if (letter === 'a' || letter === 'A' || letter === 'h' || letter === 'H') strategy = letter;
      else if (letter === 'n' || letter === 'N') queue = letter === 'N';
      else if (letter === 'f') {
        const value = i + 1 < word.length ? word.slice(i + 1) : argv[++at];
        if (value === undefined) return { problem: 'option requires an argument -- f' };
        sender = mailText(value);
        break;
      } else return { problem: `illegal option -- ${letter}` };
    }
  }
  const recipients = argv.slice(at).map(mailText);
  const recipientsFrom = SOURCES[strategy] ?? (recipients.length > 0 ? 'arguments' : 'header');
  return {
    recipientsFrom,
    queue,
    ...(sender === undefined ? {} : { sender }),
    recipients: recipientsFrom === 'header' ? [] : recipients,
  };
}

const SOURCES: Readonly<Record<string, Arguments['recipientsFrom']>> = {
  a: 'arguments',
  h: 'header',
  H: 'both',
};
