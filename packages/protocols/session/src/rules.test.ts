import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCdb } from '@q/cdb';
import { afterAll, expect, test } from 'vitest';
import { type Caller, decodeRule, Rules, ruleKeys } from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'rules-'));
afterAll(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'rules.cdb');
const hasTcprules = spawnSync('tcprulescheck', ['/nonexistent']).error === undefined;

test('callers are looked up in the order of tcprules(1)', () => {
  expect(ruleKeys({ ip: '18.23.0.32', host: 'www.movie.edu', info: 'joe' })).toEqual([
    'joe@18.23.0.32',
    'joe@=www.movie.edu',
    '18.23.0.32',
    '=www.movie.edu',
    '18.23.0.',
    '18.23.',
    '18.',
    '=.movie.edu',
    '=.edu',
    '=',
    '',
  ]);
  expect(ruleKeys({ ip: '1.2.3.4', info: 'joe' })).toEqual([
    'joe@1.2.3.4',
    '1.2.3.4',
    '1.2.3.',
    '1.2.',
    '1.',
    '',
  ]);
  expect(ruleKeys({ ip: '2001:db8::1' })).toEqual([
    '2001:db8::1',
    '2001:db8::',
    '2001:db8:',
    '2001:',
    '',
  ]);
});

test('a record may set variables and deny; what is not ended by NUL is not obeyed', () => {
  expect(decodeRule(Buffer.from('+A=\0+B=x=y\0D\0+C=cut'))).toEqual({
    deny: true,
    env: { A: '', B: 'x=y' },
  });
  expect(decodeRule(Buffer.alloc(0))).toEqual({ deny: false, env: {} });
});

test('a file that is not there lets nobody in, and a new one counts at once', async () => {
  const rules = new Rules(join(dir, 'late.cdb'));
  expect(() => rules.verdict({ ip: '1.2.3.4' })).toThrow('unable to read');
  await writeCdb(join(dir, 'late.cdb'), [[Buffer.from('1.2.3.4'), Buffer.from('D\0')]], {
    mode: 0o644,
  });
  expect(rules.verdict({ ip: '1.2.3.4' })).toEqual({ deny: true, env: {} });
  await writeCdb(join(dir, 'late.cdb'), [[Buffer.from(''), Buffer.from('+X=1\0')]], {
    mode: 0o644,
  });
  expect(rules.verdict({ ip: '1.2.3.4' })).toEqual({ deny: false, env: { X: '1' } });
  rules.close();
});

const RULES = `# comment
1.2.3.4:deny
bob@1.2.3.4:allow,BOB="1"
10.:allow,RELAYCLIENT="",X="a b"
10.1-3.:deny
=foo.example:allow,FOO=/x/
=.example:deny
=:allow,HOST="1"
:allow,REST="1"
`;

test.runIf(hasTcprules)(
  'rules compiled by tcprules mean what tcprulescheck says (needs ucspi-tcp)',
  () => {
    const made = spawnSync('tcprules', [path, join(dir, 'tmp')], { input: RULES });
    expect(made.stderr.toString()).toBe('');
    const rules = new Rules(path);
    const ips = ['1.2.3.4', '10.9.9.9', '10.2.0.1', '192.0.2.1', '1.2.3.40'];
    const hosts = [undefined, 'foo.example', 'a.foo.example', 'other.test'];
    const infos = [undefined, 'bob', 'eve'];
    for (const ip of ips) {
      for (const host of hosts) {
        for (const info of infos) compare(rules, { ip, host, info });
      }
    }
    rules.close();
  },
);

/** Asks both; tcprulescheck reads the caller from its environment and prints what it would do. */
function compare(rules: Rules, caller: Caller): void {
  const env: Record<string, string> = { PATH: process.env.PATH ?? '', TCPREMOTEIP: caller.ip };
  if (caller.host !== undefined) env.TCPREMOTEHOST = caller.host;
  if (caller.info !== undefined) env.TCPREMOTEINFO = caller.info;
  const said = spawnSync('tcprulescheck', [path], { env }).stdout.toString();
  const verdict = rules.verdict(caller);
  const shown = [
    ...Object.entries(verdict.env).map(
      ([name, value]) => `set environment variable ${name}=${value}`,
    ),
    verdict.deny ? 'deny connection' : 'allow connection',
  ];
  expect(said.split('\n').slice(1, -1), JSON.stringify(caller)).toEqual(shown);
}
