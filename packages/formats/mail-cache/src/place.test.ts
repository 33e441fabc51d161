import type * as Fs from 'node:fs';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CachePlace, thisHost } from './place.ts';

const faked = vi.hoisted(() => ({ machineId: undefined as string | undefined, open: '' }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const readFileSync = (path: unknown, ...rest: unknown[]) =>
    path === '/etc/machine-id' && faked.machineId !== undefined
      ? faked.machineId
      : (fs.readFileSync as (...args: unknown[]) => unknown)(path, ...rest);
  const rmSync: typeof Fs.rmSync = (path, options) => {
    if (faked.open !== '' && String(path).endsWith(faked.open))
      throw Object.assign(new Error('it has a .nfs file'), { code: 'ENOTEMPTY' });
    fs.rmSync(path, options);
  };
  return { ...fs, readFileSync, rmSync };
});

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cache-place-'));
});
afterEach(() => {
  faked.machineId = undefined;
  faked.open = '';
  rmSync(root, { recursive: true });
});

test('two hosts of one name have caches of their own, and a host has the same one again', () => {
  faked.machineId = 'aaaa0123456789abcdef0123456789ab\n';
  const one = thisHost();
  expect(one).toMatch(/-[0-9a-f]{16}$/);
  expect(one.startsWith(hostname())).toBe(true);
  expect(one).not.toContain('aaaa0123');
  expect(thisHost()).toBe(one);
  faked.machineId = 'bbbb0123456789abcdef0123456789ab\n';
  expect(thisHost()).not.toBe(one);
});

test('a host without a machine-id is called by its name', () => {
  faked.machineId = '\n';
  expect(thisHost()).toBe(hostname());
});

test('an old cache that cannot be removed yet is no obstacle to a new one, and goes later', () => {
  const place = new CachePlace(root, 'h', () => 1000);
  const caches = () => readdirSync(join(root, 'mailcache/h')).sort();
  place.enter(() => {});
  faked.open = 'cache.00000000001000';
  const second = place.renew();
  expect(caches()).toEqual(['cache.00000000001000', 'cache.00000000001001']);
  expect(place.newest()).toBe(second);
  faked.open = '';
  place.renew();
  expect(caches()).toEqual(['cache.00000000001002']);
});
