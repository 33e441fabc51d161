// The name of a message in a maildir: maildir(5).
//
//   name    = unique [ ":" info ]
//   unique  = seconds "." pid [ "_" n ] "." host *( "," field )   ; but any bytes without "/" and ":" are one
//   info    = "2," *ALPHA                     ; the flags, in ASCII order
//   field   = "S=" 1*DIGIT                    ; size in bytes (Maildir++), among others
//
// Example: 1726000000.4711.mail.example.org,S=2048:2,RS
// Names are latin1 text, so that any bytes survive; others wrote them, so anything may be in them.

import { hostname } from 'node:os';
import { HOST_MAX } from './limits.ts';

/** The last second a name was made for, and how many: names of one process differ by it. */
const made = { second: 0, count: 0 };

/**
 * A name no other delivery has: by second and process, from the second name within a second on also by a
 * counter. `seconds` is a Unix time. "/" and ":" in the host name are written \057 and \072.
 */
export function uniqueName(
  seams: { readonly seconds?: number; readonly pid?: number; readonly host?: string } = {},
): string {
  const { seconds = Math.floor(Date.now() / 1000), pid = process.pid, host = hostname() } = seams;
  // A clock that is set back does not start the count again.
  if (seconds > made.second) {
    made.second = seconds;
    made.count = 0;
  }
  made.count++;
  const counter = made.count === 1 ? '' : `_${made.count}`;
  return `${seconds}.${pid}${counter}.${escapedHost(host)}`;
}

function escapedHost(host: string): string {
  return host.slice(0, HOST_MAX).replaceAll('/', '\\057').replaceAll(':', '\\072');
}

export interface ParsedName {
  /** What stays the same for the life of the message: everything before the first ":". */
  readonly unique: string;
  /** Flag letters in ASCII order, each once; lower case ones are other programs' keywords. */
  readonly flags: string;
  /** What ",S=" claims, in bytes. A hint: the file's own size is the truth. */
  readonly size: number | undefined;
}

/** Takes any file name; there is no wrong one. Info other than "2," has no flags. */
export function parseName(name: string): ParsedName {
  const colon = name.indexOf(':');
  const unique = colon < 0 ? name : name.slice(0, colon);
  const info = colon < 0 ? '' : name.slice(colon + 1);
  return { unique, flags: flagsOf(info), size: sizeOf(unique) };
}

/** The name for cur. Flags are put in order; anything but ASCII letters is left out. */
export function formatName(unique: string, flags: string): string {
  return `${unique}:2,${ordered(flags)}`;
}

function flagsOf(info: string): string {
  return info === '2,' || !info.startsWith('2,') ? '' : ordered(info.slice(2));
}

function ordered(flags: string): string {
  const letters = flags.replace(/[^A-Za-z]/g, '');
  return letters.length < 2 ? letters : [...new Set(letters)].sort().join('');
}

/** At most 15 digits: what is longer is no size, and could not be counted with exactly. */
function sizeOf(unique: string): number | undefined {
  if (!unique.includes(',S=')) return undefined;
  const digits = /,S=([0-9]{1,15})(?![^,])/.exec(unique)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
