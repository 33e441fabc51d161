// qmail-rspawn's report: what qmail-remote said of its one recipient and of the message, as one line for
// qmail-send. qmail-rspawn(8).
//
//   output = *( recipient NUL ) message NUL
//   recipient = "r" / ( "h" / "s" ) text     ; accepted, refused for good, refused for now
//   message   = ( "K" / "Z" / "D" ) text

import type { Exit } from '@q/proc';

/** env(1) without node, and node that failed before the program began: the installation is being changed. */
const INTERPRETER_TROUBLE: ReadonlySet<number> = new Set([1, 127]);

const RANK = { K: 1, Z: 0, D: -1 } as const;
type Letter = keyof typeof RANK;

/** `output` is latin1 text. */
export function remoteReport(exit: Exit, output: string): string {
  if ('signal' in exit) return 'Zqmail-remote crashed.\n';
  if (exit.code === 111 || INTERPRETER_TROUBLE.has(exit.code))
    return 'ZUnable to run qmail-remote.\n';
  if (exit.code !== 0) return 'DUnable to run qmail-remote.\n';
  if (output === '') return 'Zqmail-remote produced no output.\n';
  // Only what a NUL ends is a report; qmail-remote may have been stopped in the middle.
  const reports = output.split('\0').slice(0, -1);
  const result = reports.map((report) => report[0]).find(isLetter) ?? 'D';
  const first = reports[0] ?? '';
  const overall = first.startsWith('s') ? 'Z' : first.startsWith('h') ? 'D' : result;
  const second = reports[1] ?? '';
  const more = RANK[result] <= RANK[overall] && isLetter(second[0]) ? second.slice(1) : '';
  return overall + first.slice(1) + more;
}

function isLetter(char: string | undefined): char is Letter {
  return char !== undefined && char in RANK;
}
