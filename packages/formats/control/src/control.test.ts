import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Temporary } from '@q/fault';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  CONTROL_FILE_MAX,
  firstLine,
  openControl,
  parseColonMap,
  parseList,
  qmailHome,
} from './index.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'control-'));
  mkdirSync(join(home, 'control'));
});
afterEach(() => rmSync(home, { recursive: true }));

const put = (name: string, content: string | Buffer) =>
  writeFileSync(join(home, 'control', name), content);

test('QMAILHOME moves the root; an empty one does not', () => {
  expect(qmailHome({ QMAILHOME: '/srv/mail' })).toBe('/srv/mail');
  expect(qmailHome({ QMAILHOME: '' })).toBe('/var/qmail');
  expect(qmailHome({})).toBe('/var/qmail');
});

test('a line is the first one without its trailing blanks, and # is no comment in it', () => {
  const control = openControl(home);
  put('me', 'mail.example.org \t \nsecond\n');
  put('x', '#not a comment');
  put('empty', '');
  put('latin1', Buffer.from([0xe9, 0xff, 0x0a]));
  expect(control.me()).toBe('mail.example.org');
  expect(control.line('x')).toBe('#not a comment');
  expect(control.line('empty')).toBe('');
  expect(control.line('latin1')).toBe('\u00e9\u00ff');
  expect(control.line('missing')).toBeUndefined();
});

test('a setting that defaults to control/me falls back to it, then to its literal, then fails softly', () => {
  const control = openControl(home);
  expect(() => control.lineOrMe('helohost')).toThrow(Temporary);
  expect(control.lineOrMe('defaulthost', 'defaulthost')).toBe('defaulthost');
  put('me', 'me.example\n');
  expect(control.lineOrMe('defaulthost', 'defaulthost')).toBe('me.example');
  put('defaulthost', 'own.example\n');
  expect(control.lineOrMe('defaulthost')).toBe('own.example');
});

test('a number is the digits at the start; without any the default stays', () => {
  const control = openControl(home);
  put('timeout', '1200 seconds\n');
  put('word', 'many\n');
  put('negative', '-5\n');
  put('huge', '99999999999999999999999\n');
  expect(control.int('timeout', 7)).toBe(1200);
  expect(control.int('word', 7)).toBe(7);
  expect(control.int('negative', 7)).toBe(7);
  expect(control.int('missing', 7)).toBe(7);
  expect(control.int('huge', 7)).toBe(Number.MAX_SAFE_INTEGER);
});

test('a list keeps what says something, and an empty list is not a missing one', () => {
  const control = openControl(home);
  put('rcpthosts', 'a.example \n\n# note\n .b.example\t\n  \nlast');
  put('none', '# only a comment\n\n');
  expect(control.list('rcpthosts')).toEqual(['a.example', ' .b.example', 'last']);
  expect(control.list('none')).toEqual([]);
  expect(control.list('missing')).toBeUndefined();
});

test('a map ignores case and lines without colon, and the last of equal keys counts', () => {
  const control = openControl(home);
  put('virtualdomains', 'Example.ORG:first\nno colon\nexample.org:a:b\n:all\ndom:\n#c:d\n');
  const map = control.map('virtualdomains');
  expect(map?.get('EXAMPLE.org')).toBe('a:b');
  expect(map?.get('')).toBe('all');
  expect(map?.get('dom')).toBe('');
  expect(map?.has('no colon')).toBe(false);
  expect(map?.has('#c')).toBe(false);
  expect(map?.has('toString')).toBe(false);
  expect(control.map('missing')).toBeUndefined();
});

test('the case of letters outside A-Z matters in keys', () => {
  const map = parseColonMap(['\u00c4:upper']);
  expect(map.get('\u00c4')).toBe('upper');
  expect(map.has('\u00e4')).toBe(false);
});

test('a file that is there but cannot be read is a temporary trouble that names it', () => {
  const control = openControl(home);
  mkdirSync(join(home, 'control', 'locals'));
  expect(() => control.list('locals')).toThrow(Temporary);
  expect(() => control.list('locals')).toThrow(/^unable to read control\/locals: /);
  put('huge', '');
  truncateSync(join(home, 'control', 'huge'), CONTROL_FILE_MAX + 1);
  expect(() => control.line('huge')).toThrow('unable to read control/huge: file is too large');
});

test('no list line is empty, a comment, or ends in a blank; no first line holds a line feed', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '#', ' ', '\t', '\n', ':') }), (text) => {
      for (const line of parseList(text)) expect(line).toMatch(/^[^#\n][^\n]*$/);
      for (const line of parseList(text)) expect(line).not.toMatch(/[ \t]$/);
      expect(firstLine(text)).not.toMatch(/\n|[ \t]$/);
    }),
  );
});
