import { expect, test } from 'vitest';
import { RECENT_MAX, RECENT_TIME } from './limits.ts';
import { RecentAssignments } from './recent-assignments.ts';

const joe = { user: 'joe', uid: 1001, gid: 1001, home: '/home/joe', dash: '', ext: '' };

test('an answer is known for a moment, to this local part only, and is forgotten on request', () => {
  let now = 0;
  const recent = new RecentAssignments(() => now);
  recent.keep('joe', joe);
  now = RECENT_TIME - 1;
  expect(recent.find('joe')).toBe(joe);
  expect(recent.find('JOE')).toBeUndefined();
  now = RECENT_TIME;
  expect(recent.find('joe')).toBeUndefined();
  recent.keep('joe', joe);
  recent.forget('joe');
  expect(recent.find('joe')).toBeUndefined();
});

test('using an answer does not make it last longer', () => {
  let now = 0;
  const recent = new RecentAssignments(() => now);
  recent.keep('joe', joe);
  for (; now < RECENT_TIME; now += 100) expect(recent.find('joe')).toBe(joe);
  expect(recent.find('joe')).toBeUndefined();
});

test('only so many are kept: the oldest go', () => {
  const recent = new RecentAssignments(() => 0);
  for (let i = 0; i <= RECENT_MAX; i++) recent.keep(`joe-${i}`, joe);
  expect(recent.find('joe-0')).toBeUndefined();
  expect(recent.find('joe-1')).toBe(joe);
  expect(recent.find(`joe-${RECENT_MAX}`)).toBe(joe);
});
