import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SETTLED_MS } from './limits.ts';
import { CurrentSettings } from './settings.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'smtpd-settings-'));
  mkdirSync(join(home, 'control'));
  put('me', 'mx.test');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(home, { recursive: true });
});

const path = (name: string) => join(home, 'control', name);
const put = (name: string, text: string) => writeFileSync(path(name), `${text}\n`, 'latin1');

/** Settings that were read long after the last change, so that they are kept. */
function kept(): CurrentSettings {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * SETTLED_MS });
  const settings = new CurrentSettings(home);
  expect(settings.get()).toBe(settings.get());
  return settings;
}

test('files that have not changed are not read again', () => {
  const settings = kept();
  const first = settings.get();
  utimesSync(path('me'), 1, 1);
  expect(settings.get()).not.toBe(first);
  expect(settings.get()).toEqual(first);
});

test('a file that is changed, appears, is replaced or goes away counts at once', () => {
  const settings = kept();
  put('me', 'other');
  expect(settings.get().greeting).toBe('other');
  expect(kept().get().databytes).toBe(0);
  const again = kept();
  put('databytes', '1000');
  expect(again.get().databytes).toBe(1000);
  const replaced = kept();
  put('new', '2000');
  renameSync(path('new'), path('databytes'));
  expect(replaced.get().databytes).toBe(2000);
  const removed = kept();
  rmSync(path('databytes'));
  expect(removed.get().databytes).toBe(0);
});

test('two changes within one step of the clock are both seen', () => {
  const settings = new CurrentSettings(home);
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    put('me', name);
    expect(settings.get().greeting).toBe(name);
  }
});

test('what a link leads to may appear anywhere, and counts when it does', () => {
  const target = join(home, 'elsewhere');
  symlinkSync(target, path('databytes'));
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * SETTLED_MS });
  const settings = new CurrentSettings(home);
  expect(settings.get().databytes).toBe(0);
  writeFileSync(target, '7\n');
  expect(settings.get().databytes).toBe(7);
});

test('what cannot be read is a fault each time, and no old setting is taken for it', () => {
  const settings = kept();
  mkdirSync(path('rcpthosts'));
  expect(() => settings.get()).toThrow('unable to read control/rcpthosts');
  expect(() => settings.get()).toThrow('unable to read control/rcpthosts');
  rmSync(path('rcpthosts'), { recursive: true });
  expect(settings.get().rcptHosts).toBeUndefined();
});
