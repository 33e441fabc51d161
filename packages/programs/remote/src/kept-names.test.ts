import { Temporary } from '@q/fault';
import { expect, test } from 'vitest';
import { keptNames } from './kept-names.ts';
import type { Answer, NameService } from './names.ts';

function setUp(answer: () => Promise<Answer<string>>) {
  const asked: string[] = [];
  let now = 0;
  let opened = 0;
  const service: NameService = {
    exchangersOf: async () => ({ values: [], seconds: 5 }),
    addressesOf: (name) => {
      asked.push(name);
      return answer();
    },
    relayAddressesOf: async () => ({ values: [], seconds: 5 }),
  };
  const names = keptNames(
    () => {
      opened++;
      return service;
    },
    () => now,
  );
  return {
    names,
    asked,
    opened: () => opened,
    pass: (seconds: number) => {
      now += seconds;
    },
  };
}

test('an answer is kept for as long as it says, a minute at most, and shared while it is awaited', async () => {
  for (const [seconds, kept] of [
    [0, 0],
    [30, 30],
    [9999, 60],
  ] as const) {
    const { names, asked, pass } = setUp(async () => ({ values: ['192.0.2.1'], seconds }));
    const all = await Promise.all([names.addressesOf('a'), names.addressesOf('a')]);
    expect(all).toEqual([['192.0.2.1'], ['192.0.2.1']]);
    pass(kept - 0.1);
    if (kept > 0) await names.addressesOf('a');
    expect(asked.length).toBe(1);
    pass(0.2);
    await names.addressesOf('a');
    expect(asked.length).toBe(2);
  }
});

test('a failure is kept for seconds only', async () => {
  const { names, asked, pass } = setUp(async () => {
    throw new Temporary('not now');
  });
  for (let i = 0; i < 3; i++) await expect(names.addressesOf('a')).rejects.toThrow('not now');
  expect(asked.length).toBe(1);
  pass(6);
  await expect(names.addressesOf('a')).rejects.toThrow('not now');
  expect(asked.length).toBe(2);
});

test('a number of names is kept, and the resolver is renewed', async () => {
  const { names, asked, pass, opened } = setUp(async () => ({ values: ['x'], seconds: 50 }));
  for (let i = 0; i < 3000; i++) await names.addressesOf(`n${i}`);
  await names.addressesOf('n2999');
  expect(asked.length).toBe(3000);
  await names.addressesOf('n0');
  expect(asked.length).toBe(3001);
  expect(opened()).toBe(1);
  pass(61);
  await names.addressesOf('n0');
  expect(opened()).toBe(2);
});
