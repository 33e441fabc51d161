import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControl } from '@q/control';
import { peerFromEnv } from '@q/session';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configFor, readSettings } from './config.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'smtpd-config-'));
  mkdirSync(join(home, 'control'));
  put('me', 'mx.test');
});
afterEach(() => rmSync(home, { recursive: true }));

function put(name: string, text: string): void {
  writeFileSync(join(home, 'control', name), `${text}\n`, 'latin1');
}

const config = (env: Record<string, string> = {}) =>
  configFor(readSettings(openControl(home)), peerFromEnv(env));

test('control/me is all that must be there', () => {
  expect(config()).toEqual({
    greeting: 'mx.test',
    localIpHost: 'mx.test',
    timeout: 1200,
    databytes: 0,
    badMailFrom: new Set(),
    rcptHosts: undefined,
    relayClient: undefined,
    localHost: 'unknown',
  });
  rmSync(join(home, 'control/me'));
  expect(() => config()).toThrow('smtpgreeting');
  put('smtpgreeting', 'only this');
  expect(config().greeting).toBe('only this');
});

test('the environment decides over relaying and size, the control files over the rest', () => {
  put('databytes', '1000 bytes');
  put('timeoutsmtpd', '0');
  put('rcpthosts', 'Example.org\n# no\n.Wild.test');
  put('badmailfrom', '@Evil.test');
  expect(config()).toMatchObject({
    databytes: 1000,
    timeout: 1,
    rcptHosts: new Set(['example.org', '.wild.test']),
    badMailFrom: new Set(['@evil.test']),
  });
  expect(config({ DATABYTES: '5', RELAYCLIENT: '', TCPLOCALIP: '192.0.2.1' })).toMatchObject({
    databytes: 5,
    relayClient: '',
    localHost: '192.0.2.1',
  });
  expect(config({ DATABYTES: '', TCPLOCALHOST: 'h', TCPLOCALIP: '192.0.2.1' })).toMatchObject({
    databytes: 0,
    localHost: 'h',
  });
});
