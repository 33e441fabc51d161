// Dates of commands: a day (SEARCH), and a moment (APPEND). RFC 9051, section 9.

import { asciiLower } from '@q/bytes';
import { bad } from './command-error.ts';
import type { CommandCursor } from './cursor.ts';

/**
 * The day as UTC milliseconds of its beginning; what zone it is meant in is the search key's matter.
 *
 *     date      = date-text / DQUOTE date-text DQUOTE
 *     date-text = 1*2DIGIT "-" date-month "-" 4DIGIT
 */
export function dayArgument(cursor: CommandCursor): number {
  const text = cursor.sees('"') ? cursor.string() : cursor.plainText();
  const match = DAY.exec(text);
  return dayOf(match?.[1], match?.[2], match?.[3]) ?? bad('Invalid date');
}

/** An internal date: the moment, and the zone it was given in, in minutes east of UTC. */
export interface DateTime {
  readonly milliseconds: number;
  readonly zone: number;
}

/**
 *     date-time = DQUOTE (SP DIGIT / 2DIGIT) "-" date-month "-" 4DIGIT SP time SP zone DQUOTE
 *     time      = 2DIGIT ":" 2DIGIT ":" 2DIGIT
 *     zone      = ("+" / "-") 4DIGIT
 */
export function dateTimeArgument(cursor: CommandCursor): DateTime {
  const match = DATE_TIME.exec(cursor.string());
  if (match === null) return bad('Invalid date-time');
  const day = dayOf(match[1]?.trim(), match[2], match[3]);
  const [hour, minute, second, zoneHours, zoneMinutes] = [4, 5, 6, 8, 9].map((i) =>
    Number(match[i]),
  );
  if (day === undefined || hour === undefined || minute === undefined || second === undefined)
    return bad('Invalid date-time');
  // 60 is a leap second, which becomes the next minute's first.
  if (hour > 23 || minute > 59 || second > 60) return bad('Invalid date-time');
  if (zoneHours === undefined || zoneMinutes === undefined || zoneMinutes > 59)
    return bad('Invalid date-time');
  const zone = (match[7] === '-' ? -1 : 1) * (zoneHours * 60 + zoneMinutes);
  const local = day + ((hour * 60 + minute) * 60 + second) * 1000;
  return { milliseconds: local - zone * 60_000, zone };
}

/** "12-Nov-2026 09:05:00 +0100" of a moment as a zone sees it: INTERNALDATE and SAVEDATE without quotes. */
export function formatDateTime({ milliseconds, zone }: DateTime): string {
  const local = new Date(milliseconds + zone * 60_000);
  const two = (number: number) => String(number).padStart(2, '0');
  const month = MONTHS[local.getUTCMonth()] ?? '';
  const name = `${month.slice(0, 1).toUpperCase()}${month.slice(1)}`;
  const year = String(local.getUTCFullYear()).padStart(4, '0');
  const time = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}`;
  const minutes = Math.abs(zone);
  const offset = `${two(Math.trunc(minutes / 60))}${two(minutes % 60)}`;
  const day = String(local.getUTCDate()).padStart(2, ' ');
  return `${day}-${name}-${year} ${time} ${zone < 0 ? '-' : '+'}${offset}`;
}

/** Undefined for a day that is in no calendar. */
function dayOf(
  day: string | undefined,
  month: string | undefined,
  year: string | undefined,
): number | undefined {
  const index = MONTHS.indexOf(asciiLower(month ?? ''));
  if (index < 0) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), index, Number(day));
  return date.getUTCMonth() === index && date.getUTCDate() === Number(day)
    ? date.getTime()
    : undefined;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAY = /^([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})$/;
const DATE_TIME =
  /^( [0-9]|[0-9]{2})-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})$/;
