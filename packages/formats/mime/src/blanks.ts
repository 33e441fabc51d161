// Blanks of header text. String.trim() would take 0xA0 too, which may be half of a character; a regular expression for
// the end would try each blank of a long run.

/** Without spaces and tabs at both ends. */
export function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
