import { expect, test } from 'vitest';
import { LoginThrottle } from './index.ts';
import { ACCOUNT_FREE, ACCOUNT_WAIT, FAILURES_MAX, MEMORY, TURN_MAX } from './limits.ts';
import { Recent } from './recent.ts';

const GUESSER = '192.0.2.66';
const HOME = '198.51.100.1';
const HOTEL = '203.0.113.5';

/** A throttle with a clock that is set by hand. */
function start() {
  const clock = { now: 1_000_000 };
  const throttle = new LoginThrottle(() => clock.now);
  const fail = (ip: string, account = 'joe') => throttle.begin(ip, account).failed();
  const waitOf = (ip: string, account = 'joe') => {
    const attempt = throttle.begin(ip, account);
    attempt.undecided();
    return attempt.wait;
  };
  return { clock, throttle, fail, waitOf };
}

test('the answer to a wrong password waits twice as long each time, up to 15 s, and anew after a quiet time', () => {
  const { clock, fail } = start();
  const waits = Array.from({ length: 6 }, () => fail(GUESSER));
  expect(waits).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect(fail(HOME)).toBe(1000);
  clock.now += MEMORY + 1;
  expect(fail(GUESSER)).toBe(1000);
});

test('of a thousand guesses from one address, however many connections it has, four a minute are looked at', () => {
  const { clock, throttle } = start();
  const began = clock.now;
  const looked: number[] = [];
  // A guesser with a hundred connections that hangs up as soon as the answer is not quick.
  for (let guess = 0; guess < 1000; guess++) {
    const attempt = throttle.begin(GUESSER, `user${guess}`);
    if (attempt.wait === undefined) attempt.undecided();
    else {
      looked.push(clock.now + attempt.wait);
      attempt.failed();
    }
    clock.now += 100;
  }
  const seconds = (clock.now + TURN_MAX - began) / 1000;
  expect(looked.length).toBeLessThan(8 + seconds / 15);
  expect(looked.length).toBeGreaterThan(5);
});

test('logins that are under way count before they have failed', () => {
  const { throttle } = start();
  const waits = Array.from({ length: 100 }, (_, i) => throttle.begin(GUESSER, `user${i}`).wait);
  expect(waits.filter((wait) => wait === 0).length).toBeLessThan(35);
  expect(waits.at(-1)).toBeUndefined();
});

test('the user whose password is guessed gets in from where she always comes, and from elsewhere after a moment', () => {
  const { throttle, fail, waitOf } = start();
  throttle.begin(HOME, 'Ann').succeeded();
  for (let i = 0; i < 1000; i++) fail(GUESSER, 'ann');
  expect(waitOf(HOME, 'ann')).toBe(0);
  expect(waitOf(HOTEL, 'ANN')).toBe(ACCOUNT_WAIT);
  expect(waitOf(HOTEL, 'ANN')).toBe(ACCOUNT_WAIT);
  expect(waitOf(HOTEL, 'ben')).toBe(0);
});

test('even from the guesser’s own address, if it is hers too', () => {
  const { throttle, fail, waitOf } = start();
  throttle.begin(GUESSER, 'ann').succeeded();
  for (let i = 0; i < 50; i++) fail(GUESSER, 'ben');
  expect(waitOf(GUESSER, 'ann')).toBe(0);
  expect(waitOf(GUESSER, 'joe')).toBeUndefined();
});

test('a few wrong passwords change nothing for anybody', () => {
  const { fail, waitOf } = start();
  fail(HOME, 'ann');
  fail(HOME, 'ann');
  expect([waitOf(HOME, 'ann'), waitOf(HOME, 'ann')]).toEqual([0, 0]);
  for (let i = 1; i < ACCOUNT_FREE; i++) fail(`10.0.0.${i}`, 'ben');
  expect(waitOf(HOTEL, 'ben')).toBe(0);
});

test('an IPv6 host is its network, whatever address it takes next', () => {
  const { fail } = start();
  expect(fail('2001:db8::1')).toBe(1000);
  expect(fail('2001:db8::2')).toBe(2000);
  expect(fail('2001:db8:0:1::1')).toBe(1000);
});

test('a thousand logins of one office at once, with the right passwords, do not make it a guesser', () => {
  const { throttle, waitOf } = start();
  for (let i = 0; i < 1000; i++) throttle.begin(HOME, `user${i}`).succeeded();
  expect(waitOf(HOME, 'new')).toBe(0);
});

test('only so much is remembered: what was set longest ago is forgotten', () => {
  const recent = new Recent<number>(3, 10);
  for (const [i, key] of ['a', 'b', 'a', 'c', 'd'].entries()) recent.set(key, i, 0);
  expect(['a', 'b', 'c', 'd'].map((key) => recent.get(key, 10))).toEqual([2, undefined, 3, 4]);
  expect(recent.get('d', 11)).toBeUndefined();
  const { fail } = start();
  for (let i = 0; i < 3; i++) fail(GUESSER);
  for (let i = 0; i < FAILURES_MAX; i++)
    fail(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, `u${i}`);
  expect(fail(GUESSER)).toBe(1000);
});

test('where no address is known, an account under attack waits, others do not, and nobody is sent away', () => {
  const { clock, throttle } = start();
  for (let guess = 0; guess < 1000; guess++) throttle.begin(undefined, 'dom.test').failed();
  expect(throttle.begin(undefined, 'DOM.test').wait).toBe(ACCOUNT_WAIT);
  expect(throttle.begin(undefined, 'other.test').wait).toBe(0);
  clock.now += MEMORY + 1;
  expect(throttle.begin(undefined, 'dom.test').wait).toBe(0);
});

test('a login is judged when it has its turn, and what its judge says is the outcome', async () => {
  const { throttle, waitOf, fail } = start();
  expect(await throttle.inTurn(HOME, 'ann', async () => 'done')).toBe('done');
  for (let i = 0; i < ACCOUNT_FREE; i++) fail(`10.0.0.${i}`, 'ann');
  expect(waitOf(HOME, 'ann')).toBe(ACCOUNT_WAIT);
  const known = await throttle.inTurn(HOME, 'ben', async (turn) => turn.succeeded());
  expect(known).toBeUndefined();
  for (let i = 0; i < ACCOUNT_FREE; i++) fail(`10.0.0.${i}`, 'ben');
  expect(waitOf(HOME, 'ben')).toBe(0);
});

test('who has too many turns before his own is not judged at all', async () => {
  const { throttle, fail } = start();
  while (throttle.begin(GUESSER, 'joe').wait !== undefined) fail(GUESSER);
  const judge = async () => expect.fail('not to be judged');
  expect(await throttle.inTurn(GUESSER, 'joe', judge)).toBe('too many');
});

test('a judge that fails leaves no login under way behind', async () => {
  const { throttle, waitOf } = start();
  for (let i = 0; i < 100; i++) {
    const broken = throttle.inTurn(HOME, `user${i}`, () => Promise.reject(new Error('broken')));
    await expect(broken).rejects.toThrow('broken');
  }
  expect(waitOf(HOME, 'new')).toBe(0);
});
