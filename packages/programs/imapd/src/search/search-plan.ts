// A search ordered by what its keys cost: flags and numbers first, facts from the cache next, text last and only of the
// messages that are left.

import type { SearchKey } from '@q/imap';
import type { SearchScope } from '@q/mail-cache';
import { CommandRefused } from '../refused.ts';
import { BODY_KEYS_MAX } from './limits.ts';
import { type KeyTest, keyTest, type MessageTest, type Surroundings } from './message-test.ts';
import type { TextDecoder } from './search-text.ts';

/** As deep as the search key at most. */
export type SearchPlan =
  | ({ readonly kind: 'test' } & KeyTest)
  | { readonly kind: 'text'; readonly scope: SearchScope; readonly value: string }
  /** The cheapest part first. */
  | { readonly kind: 'every' | 'some'; readonly parts: readonly SearchPlan[] }
  | { readonly kind: 'not'; readonly part: SearchPlan };

/** Throws BAD for message numbers where there are none and for strings that are no text, NO [LIMIT] for too many texts. */
export function searchPlan(key: SearchKey, decode: TextDecoder, around: Surroundings): SearchPlan {
  let bodies = 0;
  const plan = (one: SearchKey): SearchPlan => {
    switch (one.kind) {
      case 'and':
        return combined('every', one.keys.map(plan));
      case 'or':
        return combined('some', one.keys.map(plan));
      case 'not':
        return negated(plan(one.key));
      // RFC 6203 leaves to the server how it is fuzzy.
      case 'fuzzy':
        return plan(one.key);
      case 'header':
        return {
          kind: 'text',
          scope: { kind: 'header', name: one.name },
          value: decode(one.value),
        };
      case 'body':
      case 'text':
        bodies += 1;
        if (bodies > BODY_KEYS_MAX) throw new CommandRefused('NO', 'Too many texts', 'LIMIT');
        return { kind: 'text', scope: { kind: one.kind }, value: decode(one.value) };
      default:
        return { kind: 'test', ...keyTest(one, around) };
    }
  };
  return plan(key);
}

/** How many passes over the messages a plan takes at most. */
export function stepsOf(plan: SearchPlan): number {
  switch (plan.kind) {
    case 'test':
    case 'text':
      return 1;
    case 'not':
      return stepsOf(plan.part);
    default:
      return plan.parts.reduce((steps, part) => steps + stepsOf(part), 0);
  }
}

/** Parts of the same kind are taken in, and all tests become one. */
function combined(kind: 'every' | 'some', given: readonly SearchPlan[]): SearchPlan {
  const flat = given.flatMap((part) => (part.kind === kind ? part.parts : [part]));
  const tests = flat.filter((part) => part.kind === 'test');
  const others = flat.filter((part) => part.kind !== 'test');
  const parts = [...(tests.length === 0 ? [] : [joined(kind, tests)]), ...others];
  parts.sort((a, b) => cost(a) - cost(b));
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind, parts };
}

function joined(kind: 'every' | 'some', given: readonly KeyTest[]): SearchPlan {
  const [only] = given;
  if (given.length === 1 && only !== undefined)
    return { kind: 'test', needsFacts: only.needsFacts, test: only.test };
  const tests = [...given]
    .sort((a, b) => Number(a.needsFacts) - Number(b.needsFacts))
    .map(({ test }) => test);
  const test: MessageTest =
    kind === 'every'
      ? (message, facts) => tests.every((one) => one(message, facts))
      : (message, facts) => tests.some((one) => one(message, facts));
  return { kind: 'test', needsFacts: given.some((one) => one.needsFacts), test };
}

function negated(part: SearchPlan): SearchPlan {
  if (part.kind === 'not') return part.part;
  if (part.kind !== 'test') return { kind: 'not', part };
  const { test, needsFacts } = part;
  return { kind: 'test', needsFacts, test: (message, facts) => !test(message, facts) };
}

function cost(plan: SearchPlan): number {
  switch (plan.kind) {
    case 'test':
      return plan.needsFacts ? 1 : 0;
    case 'text':
      return plan.scope.kind === 'header' ? 2 : 4;
    case 'not':
      return cost(plan.part);
    default:
      // Beyond that of its parts: with several texts there is more to do.
      return plan.parts.reduce((most, part) => Math.max(most, cost(part)), 0) + 0.5;
  }
}
