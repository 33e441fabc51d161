import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dateSilence, END_FIELD, START_FIELD } from './autoresponse-dates.ts';

function at(now: Date, start?: string, end?: string): string | undefined {
  const fields = new Map<string, string>();
  if (start !== undefined) fields.set(START_FIELD, `X-Autoresponse-Start: ${start}\n`);
  if (end !== undefined) fields.set(END_FIELD, `X-Autoresponse-End: ${end}\n`);
  return dateSilence(fields, now);
}
const local = (month: number, day: number, hour = 12, minute = 0) =>
  new Date(2026, month - 1, day, hour, minute);

test('without dates it is always time', () => {
  expect(at(local(1, 1))).toBeUndefined();
});

test('days count from their beginning to their end, in local time', () => {
  expect(at(local(12, 20, 23, 59), '2026-12-21', '2026-12-23')).toBe('it is too early');
  expect(at(local(12, 21, 0, 0), '2026-12-21', '2026-12-23')).toBeUndefined();
  expect(at(local(12, 23, 23, 59), '2026-12-21', '2026-12-23')).toBeUndefined();
  expect(at(local(12, 24, 0, 0), '2026-12-21', '2026-12-23')).toBe('it is over');
  expect(at(local(12, 31, 23), undefined, '2026-12-31')).toBeUndefined();
});

test('times are exact', () => {
  expect(at(local(5, 1, 8, 29), '2026-05-01 08:30')).toBe('it is too early');
  expect(at(local(5, 1, 8, 30), '2026-05-01T08:30', '2026-05-01 08:31')).toBeUndefined();
  expect(at(local(5, 1, 8, 31), undefined, '2026-05-01 08:31')).toBe('it is over');
});

test.each([
  '',
  'tomorrow',
  '2026-02-30',
  '2026-13-01',
  '2026-1-1',
  '2026-01-01 24:00',
  '2026-01-01 x',
])('the date %j means no reply', (text) => {
  expect(at(local(1, 1), text)).toBe('its dates cannot be read');
  expect(at(local(1, 1), undefined, text)).toBe('its dates cannot be read');
});

test('a day is never over before it began', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(2000, 0, 2), max: new Date(2099, 0, 1), noInvalidDate: true }),
      (now) => {
        const pad = (n: number) => String(n).padStart(2, '0');
        const day = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
        expect(at(now, day, day)).toBeUndefined();
      },
    ),
  );
});
