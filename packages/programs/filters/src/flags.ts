// Options of programs that are started for each message, without the option parser's start-up time:
// single letters, alone or together, the last of them perhaps with a value (-d7 or -d 7). getopt(3).

export interface Flags {
  /** In the order given. */
  readonly given: readonly { readonly letter: string; readonly value: string }[];
  /** What follows the options. */
  readonly words: readonly string[];
}

/**
 * `letters` is getopt's: "frd:" knows -f, -r and -d VALUE. Options end at the first other word, at "--",
 * or at "-", which is a word. Undefined for an unknown letter or a missing value.
 */
export function parseFlags(args: readonly string[], letters: string): Flags | undefined {
  const given: { letter: string; value: string }[] = [];
  let next = 0;
  while (next < args.length) {
    const word = args[next] as string;
    if (!word.startsWith('-') || word === '-') break;
    next++;
    if (word === '--') break;
    for (let at = 1; at < word.length; at++) {
      const letter = word.charAt(at);
      const known = letter === ':' ? -1 : letters.indexOf(letter);
      if (known < 0) return undefined;
      if (letters[known + 1] !== ':') {
        given.push({ letter, value: '' });
        continue;
      }
      const value = at + 1 < word.length ? word.slice(at + 1) : args[next++];
      if (value === undefined) return undefined;
      given.push({ letter, value });
      break;
    }
  }
  return { given, words: args.slice(next) };
}
