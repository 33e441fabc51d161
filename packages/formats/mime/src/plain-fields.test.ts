import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseSubject } from './base-subject.ts';
import { messageIds } from './message-id.ts';

const from = (pieces: readonly string[]) =>
  fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((some) => some.join(''));

const subjects = from(
  're:,Re: ,re,RE: ,fwd: ,fw,(fwd),[fwd:,[list] ,],[,(,),:,=,=?,?=,é, ,  ,\t,ok,10'.split(','),
);
const ids = from(['<', '>', '@', '"', '\\', '(', ')', ' ', '\t', '\v', 'a', 'b.c', 'é', '<a@b>']);

describe('fields that need no parsing', () => {
  it('have the base subject that parsing finds', () => {
    fc.assert(
      // Blanks at the end mean nothing, and have it parsed.
      fc.property(subjects, (subject) => {
        expect(baseSubject(subject)).toEqual(baseSubject(`${subject} `));
      }),
      { numRuns: 2000 },
    );
  });

  it('have the message ids that parsing finds', () => {
    fc.assert(
      // So do blanks in front.
      fc.property(ids, (field) => {
        expect(messageIds(field)).toEqual(messageIds(` ${field}`));
      }),
      { numRuns: 2000 },
    );
  });
});
