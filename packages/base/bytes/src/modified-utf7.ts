// Modified UTF-7, the encoding of mailbox names (RFC 3501, section 5.1.3; RFC 2152): printable ASCII stands for
// itself but "&", which is "&-"; all else is "&" BASE64 "-", base64 of UTF-16BE with "," for "/" and no padding.
//
//     "Entwürfe" = "Entw&APw-rfe"      "R&D" = "R&-D"
//
// Each name has exactly one form here. Servers that take others have two names for one folder, or let "/" and
// control characters in by a back door.

/** The encoded form; undefined when `name` has a lone surrogate, which is no text. Linear. */
export function encodeModifiedUtf7(name: string): string | undefined {
  if (/\p{Surrogate}/u.test(name)) return undefined;
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-';
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64');
    return `&${base64.replace(/=+$/, '').replaceAll('/', ',')}-`;
  });
}

/**
 * The name that `text` encodes; undefined unless `text` is exactly what that name is encoded as: refused are runs that
 * are not closed, encoded printable ASCII ("&AGE-"), adjoining runs, padding bits that are set, lone surrogates and
 * bytes outside printable ASCII.
 */
export function decodeModifiedUtf7(text: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(text)) return undefined;
  let name = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf('&', at);
    if (open < 0) break;
    const close = text.indexOf('-', open);
    if (close < 0) return undefined;
    name += text.slice(at, open) + decodeRun(text.slice(open + 1, close));
    at = close + 1;
  }
  name += text.slice(at);
  return encodeModifiedUtf7(name) === text ? name : undefined;
}

/** What is wrong with the run shows when the result is encoded again. */
function decodeRun(run: string): string {
  if (run === '') return '&';
  const bytes = Buffer.from(run.replaceAll(',', '/'), 'base64');
  return bytes
    .subarray(0, bytes.length & ~1)
    .swap16()
    .toString('utf16le');
}
