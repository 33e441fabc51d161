import fc from 'fast-check';
import { expect, test } from 'vitest';
import { queueExitText } from './index.ts';

test.each([
  [0, 'K'],
  [11, 'Denvelope address too long for qq (#5.1.3)'],
  [115, 'Denvelope address too long for qq (#5.1.3)'],
  [31, 'Dmail server permanently rejected message (#5.3.0)'],
  [51, 'Zqq out of memory (#4.3.0)'],
  [52, 'Zqq timeout (#4.3.0)'],
  [53, 'Zqq write error or disk full (#4.3.0)'],
  [54, 'Zqq read error (#4.3.0)'],
  [55, 'Zqq unable to read configuration (#4.3.0)'],
  [56, 'Zqq trouble making network connection (#4.3.0)'],
  [61, 'Zqq trouble in home directory (#4.3.0)'],
  [62, 'Zqq trouble creating files in queue (#4.3.0)'],
  [66, 'Zqq trouble creating files in queue (#4.3.0)'],
  [71, 'Zmail server temporarily rejected message (#4.3.0)'],
  [72, 'Zconnection to mail server timed out (#4.4.1)'],
  [73, 'Zconnection to mail server rejected (#4.4.1)'],
  [74, 'Zcommunication with mail server failed (#4.4.2)'],
  [81, 'Zqq internal bug (#4.3.0)'],
  [91, 'Zqq internal bug (#4.3.0)'],
  [120, 'Zunable to exec qq (#4.3.0)'],
  [12, 'Dqq permanent problem (#5.3.0)'],
  [40, 'Dqq permanent problem (#5.3.0)'],
  [41, 'Zqq temporary problem (#4.3.0)'],
  [1, 'Zqq temporary problem (#4.3.0)'],
  [82, 'Zqq temporary problem (#4.3.0)'],
])('exit %i says: %s', (code, text) => {
  expect(queueExitText({ code })).toBe(text);
});

test('a killed program is a crash', () => {
  expect(queueExitText({ signal: 'SIGSEGV' }, 'Dnot used')).toBe('Zqq crashed (#4.3.0)');
});

test('the own text of a filter counts with exit 82 alone, and only if longer than two bytes', () => {
  expect(queueExitText({ code: 82 }, 'Dspam (#5.7.1)\n')).toBe('Dspam (#5.7.1)');
  expect(queueExitText({ code: 82 }, 'Dx')).toBe('Zqq temporary problem (#4.3.0)');
  expect(queueExitText({ code: 31 }, 'Zown text')).toBe(
    'Dmail server permanently rejected message (#5.3.0)',
  );
});

test("a filter's text cannot add lines to a reply, and is temporary unless it says D", () => {
  expect(queueExitText({ code: 82 }, 'Done\r\n250 ok\r\n')).toBe('Done  250 ok');
  expect(queueExitText({ code: 82 }, 'no letter')).toBe('Zno letter');
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      expect(queueExitText({ code: 82 }, text)).toMatch(/^[DZ][^\x00-\x1f\x7f]*$/);
    }),
  );
});
