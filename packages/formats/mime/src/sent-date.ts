// The date of a message's Date field (RFC 5322, 3.3 with the obsolete forms; RFC 5256, 2.2; RFC 3501, SENTBEFORE).
//
//   date-time = [ day-name [ "," ] ] day month year [ time [ zone ] ]      ; also: day-name month day time year
//   time      = hour ":" minute [ ":" second ]
//   zone      = ( "+" / "-" ) 4DIGIT / name
//
// Example: "Fri, 21 Nov 1997 09:55:06 -0600 (CST)". A time that cannot be is taken as 00:00:00, a zone that cannot be as
// UTC, as RFC 5256 wants; without a day, month and year that can be there is no date, and INTERNALDATE serves.

import { Cursor } from './cursor.ts';

export interface SentDate {
  /** Milliseconds since 1970, UTC: what SORT DATE and THREAD compare. */
  readonly time: number;
  /** The day as it is written, without regard to zone and time: days since 1970. What SENTBEFORE, SENTON, SENTSINCE compare. */
  readonly day: number;
}

/** Reads a Date field; undefined when it has no date. Years from 0 to 9999. */
export function parseSentDate(field: string): SentDate | undefined {
  const words = wordsOf(field);
  // The name of the day is not looked at: it follows from the date.
  const at = /^[a-z]/i.test(words[0] ?? '') && monthOf(words[0]) === undefined ? 1 : 0;
  const date = monthOf(words[at]) === undefined ? usual(words, at) : ctime(words, at);
  if (date === undefined) return undefined;
  const day = dayNumber(date.year, date.month, date.day);
  if (day === undefined) return undefined;
  const time = timeOf(date.time);
  const minutes = time === undefined ? 0 : zoneOf(date.zone);
  return { day, time: day * DAY_MS + (time ?? 0) * 1000 - minutes * 60_000 };
}

interface Words {
  readonly day: string | undefined;
  readonly month: number | undefined;
  readonly year: string | undefined;
  readonly time: string | undefined;
  readonly zone: string | undefined;
}

/** 21 Nov 1997 09:55:06 -0600. The obsolete form allows blanks around colons, so words are joined up to the zone. */
function usual(words: readonly string[], at: number): Words {
  const [day, month, year, ...rest] = words.slice(at);
  return { day, month: monthOf(month), year, time: rest[0], zone: rest[1] };
}

/** Nov 21 09:55:06 1997, as asctime(3) writes it; some programs put a zone before or behind the year. */
function ctime(words: readonly string[], at: number): Words {
  const [month, day, time, ...rest] = words.slice(at);
  const year = rest.find((word) => /^\d{4}$/.test(word));
  const zone = rest.find((word) => !/^\d/.test(word));
  return { day, month: monthOf(month), year, time, zone };
}

/** Words divided by blanks, commas and hyphens between words ("21-Nov-1997"), without comments; no more than there can be. */
function wordsOf(field: string): string[] {
  const words: string[] = [];
  const cursor = new Cursor(field.slice(0, FIELD_USED));
  while (words.length < WORDS_MAX) {
    cursor.blanks();
    if (cursor.atEnd) break;
    const word = cursor.run(WORD);
    if (word !== '') addWord(words, word);
    else cursor.at++;
  }
  return words;
}

function addWord(words: string[], word: string): void {
  const before = words.at(-1) ?? '';
  if (/^:/.test(word) || /:$/.test(before)) words[words.length - 1] = before + word;
  else if (/^\d{1,2}-[a-z]{3,9}-\d{2,4}$/i.test(word)) words.push(...word.split('-'));
  else words.push(word);
}

function monthOf(word: string | undefined): number | undefined {
  if (word === undefined || word.length < 3) return undefined;
  const index = MONTHS.indexOf(word.slice(0, 3).toLowerCase());
  return index < 0 || index % 3 !== 0 ? undefined : index / 3;
}

/** Days since 1970 of a date that exists. Years of two and three digits are those of RFC 5322, 4.3. */
function dayNumber(
  yearText: string | undefined,
  month: number | undefined,
  dayText: string | undefined,
): number | undefined {
  if (month === undefined || !/^\d{1,2}$/.test(dayText ?? '')) return undefined;
  if (!/^\d{2,4}$/.test(yearText ?? '')) return undefined;
  const written = Number(yearText);
  const isShort = yearText?.length !== 4;
  const year = !isShort ? written : written < 50 ? 2000 + written : 1900 + written;
  const day = Number(dayText);
  const date = new Date(0);
  date.setUTCFullYear(year, month, day); // Date.UTC would take the year 97 for 1997
  return date.getUTCMonth() === month && date.getUTCDate() === day
    ? date.getTime() / DAY_MS
    : undefined;
}

/** Seconds of the day; undefined when there is no such time. A leap second is the second before it. */
function timeOf(word: string | undefined): number | undefined {
  const found = /^(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2}))?(?:\.\d{1,9})?$/.exec(word ?? '');
  if (found === null) return undefined;
  const [hour, minute, second] = [found[1], found[2], found[3] ?? '0'].map(Number) as [
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  return hour * 3600 + minute * 60 + Math.min(second, 59);
}

/** Minutes east of UTC; 0 for a zone that is none, and for military letters, which RFC 5322, 4.3 says are often wrong. */
function zoneOf(word: string | undefined): number {
  const found = /^([+-])(\d{2}):?(\d{2})$/.exec(word ?? '');
  if (found === null) return ZONES.get((word ?? '').toUpperCase()) ?? 0;
  const [hours, minutes] = [Number(found[2]), Number(found[3])];
  if (hours > 23 || minutes > 59) return 0;
  return (found[1] === '-' ? -1 : 1) * (hours * 60 + minutes);
}

const DAY_MS = 86_400_000;
const MONTHS = 'janfebmaraprmayjunjulaugsepoctnovdec';
const ZONES: ReadonlyMap<string, number> = new Map([
  ['EST', -300],
  ['EDT', -240],
  ['CST', -360],
  ['CDT', -300],
  ['MST', -420],
  ['MDT', -360],
  ['PST', -480],
  ['PDT', -420],
]);
const WORD = /[^ \t\r\n(),]+/y;
/** A date has seven words at most; the rest is not looked at. */
const WORDS_MAX = 10;
const FIELD_USED = 1000;
