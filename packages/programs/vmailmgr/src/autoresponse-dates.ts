// From when until when an autoresponse is sent: fields in its text, which do not go out with it.
//
//   field = ( "X-Autoresponse-Start" / "X-Autoresponse-End" ) ":" date [ blank time ]
//   date  = 4DIGIT "-" 2DIGIT "-" 2DIGIT          time = 2DIGIT ":" 2DIGIT       in the time zone of the host
//
// Example:  X-Autoresponse-Start: 2026-12-21
//           X-Autoresponse-End: 2027-01-06
//
// A start without a time is the beginning of its day, an end without one the end of it.

import { type Field, parseField } from '@q/rfc822';

export const START_FIELD = 'x-autoresponse-start';
export const END_FIELD = 'x-autoresponse-end';

/**
 * Why there is no reply now, by the fields of a text; undefined if there may be one. A date that cannot be read
 * means no reply: its writer did not mean "always".
 */
export function dateSilence(fields: ReadonlyMap<string, string>, now: Date): string | undefined {
  const start = dateIn(fields.get(START_FIELD), 'beginning');
  const end = dateIn(fields.get(END_FIELD), 'end');
  if (start === 'wrong' || end === 'wrong') return 'its dates cannot be read';
  if (start !== undefined && now < start) return 'it is too early';
  if (end !== undefined && now >= end) return 'it is over';
  return undefined;
}

function dateIn(text: string | undefined, side: 'beginning' | 'end'): Date | undefined | 'wrong' {
  if (text === undefined) return undefined;
  const value = (parseField(text) as Field).body.trim();
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ \tT]+([0-9]{2}):([0-9]{2}))?$/.exec(value);
  if (found === null) return 'wrong';
  const [year, month, day, hour, minute] = found.slice(1).map((digits) => Number(digits ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59) return 'wrong';
  const isWholeDay = found[4] === undefined;
  const midnight = new Date(year, month - 1, day);
  // JavaScript takes February 30th for March 2nd.
  if (midnight.getMonth() !== month - 1 || midnight.getDate() !== day) return 'wrong';
  const wholeDays = isWholeDay && side === 'end' ? 1 : 0;
  return new Date(year, month - 1, day + wholeDays, hour, minute);
}
