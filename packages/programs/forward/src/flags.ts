// The options of fastforward and dot-forward: letters without values, which may be grouped; of those that contradict
// each other the last counts. And what they print with -n.

/**
 * Splits options from what follows them. Undefined for a letter that is not in `letters`, which is then named on
 * descriptor 2.
 */
export function parseFlags(
  program: string,
  args: readonly string[],
  letters: string,
): { readonly flags: string; readonly rest: readonly string[] } | undefined {
  let flags = '';
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] as string;
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    for (const letter of word.slice(1)) {
      if (!letters.includes(letter)) {
        process.stderr.write(`${program}: illegal option -- ${letter}\n`);
        return undefined;
      }
      flags += letter;
    }
  }
  return { flags, rest: args.slice(at) };
}

/** True when `on` was given after the last `off`. */
export function isOn(flags: string, on: string, off: string): boolean {
  return flags.lastIndexOf(on) > flags.lastIndexOf(off);
}

/** Prints lines (latin1) on descriptor 2; what is not printable ASCII could be another user's, for a terminal: "_". */
export function printLines(lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${line.replace(/[^ -~]/g, '_')}\n`).join(''));
}
