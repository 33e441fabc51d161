// The collation i;unicode-casemap (RFC 5051), which SEARCH, SORT and THREAD compare with (I18NLEVEL=1): each character
// is replaced by its titlecase and that by its decomposition, as UnicodeData.txt has them, until nothing changes. So
// "É" and "e" followed by U+0301 are one, and so are "ﬁ" and "FI"; "ß" and "ss" are not.
//
// JavaScript has upper case, and that with the mappings of SpecialCasing.txt, which the collation does not use. Where
// the two differ the titlecase is made from what is known of the character: see titlecase(). Which version of Unicode,
// Node says.

/** The text by which the collation compares: equal texts are equal ones, and one found in another is found in it. */
export function casemap(text: string): string {
  if (ASCII.test(text)) return text.toUpperCase();
  return text.replace(LOWER_ASCII, upper).replace(NON_ASCII, mappedRun);
}

function upper(run: string): string {
  return run.toUpperCase();
}

function mappedRun(run: string): string {
  let mapped = '';
  for (const char of run) mapped += mappedChar(char);
  return mapped;
}

/** Filled as characters are met; one entry for each of them, of which Unicode has a bounded number. */
const MAPPED = new Map<string, string>();

function mappedChar(char: string): string {
  const known = MAPPED.get(char);
  if (known !== undefined) return known;
  const title = titlecase(char);
  // UnicodeData.txt has no decompositions of Hangul syllables: an algorithm makes them, and RFC 5051 names none.
  const decomposed = HANGUL_SYLLABLE.test(title) ? title : title.normalize('NFKD');
  const mapped =
    decomposed === char
      ? char
      : [...decomposed].map((each) => (each === char ? each : mappedChar(each))).join('');
  MAPPED.set(char, mapped);
  return mapped;
}

/** The simple titlecase of a character: one character for one. */
function titlecase(char: string): string {
  const special = TITLECASE.get(char);
  if (special !== undefined) return special;
  if (OWN_TITLECASE.test(char)) return char;
  const upperCase = char.toUpperCase();
  // More than one: a mapping of SpecialCasing.txt. But for the Greek ones below such a character is its own titlecase.
  return [...upperCase].length === 1 ? upperCase : char;
}

/** Titlecase is not upper case: digraphs, and Greek letters with iota subscript, whose upper case is two letters. */
const TITLECASE: ReadonlyMap<string, string> = new Map([
  ...(
    [
      '\u01c4\u01c5\u01c6',
      '\u01c7\u01c8\u01c9',
      '\u01ca\u01cb\u01cc',
      '\u01f1\u01f2\u01f3',
    ] as const
  ).flatMap((three) => [...three].map((char) => [char, three[1] as string] as const)),
  ...[0x1f80, 0x1f90, 0x1fa0].flatMap((base) =>
    Array.from(
      { length: 8 },
      (_, i) => [String.fromCharCode(base + i), String.fromCharCode(base + 8 + i)] as const,
    ),
  ),
  ['\u1fb3', '\u1fbc'],
  ['\u1fc3', '\u1fcc'],
  ['\u1ff3', '\u1ffc'],
]);

/** Georgian letters have an upper case since Unicode 11, but titles are not written with it. */
const OWN_TITLECASE = /^[\u10d0-\u10ff]$/;
const HANGUL_SYLLABLE = /^[\uac00-\ud7a3]$/;
const ASCII = /^[\0-\x7f]*$/;
const LOWER_ASCII = /[a-z]+/g;
const NON_ASCII = /[^\0-\x7f]+/gu;
