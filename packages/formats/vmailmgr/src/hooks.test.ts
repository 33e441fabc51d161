import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runHooks } from './index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hooks-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function hook(name: string, script: string, mode = 0o755): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, mode);
  return path;
}

const env = { PATH: '/bin:/usr/bin', VUSER: 'me' };

test('hooks run in order with the environment given and no other, and each is prepared for', async () => {
  let prepared = 0;
  const trace = join(dir, 'trace');
  const paths = [1, 2].map((i) => hook(`h${i}`, `echo "${i} $# $VUSER [$HOME]" >> ${trace}`));
  expect(await runHooks(paths, { env, before: () => prepared++ })).toBe(0);
  expect(readFileSync(trace, 'latin1')).toBe('1 0 me []\n2 0 me []\n');
  expect(prepared).toBe(2);
});

test('the first that fails ends the list with its status', async () => {
  const paths = [hook('a', 'exit 0'), hook('b', 'exit 99'), hook('c', `touch ${join(dir, 'ran')}`)];
  expect(await runHooks(paths, { env })).toBe(99);
  expect(existsSync(join(dir, 'ran'))).toBe(false);
});

test('a hook that cannot be started is 127, one that is killed 255: neither counts as success', async () => {
  expect(await runHooks([join(dir, 'missing')], { env })).toBe(127);
  expect(await runHooks([hook('killed', 'kill -9 $$')], { env })).toBe(255);
  expect(await runHooks([], { env })).toBe(0);
});

test('a hook that hangs is killed after its time, with what it has started', async () => {
  const pid = join(dir, 'pid');
  const path = hook('hangs', `sleep 1000 & echo $! >${pid}; wait`);
  expect(await runHooks([path], { env, stdio: ['ignore', 'ignore', 2], seconds: 1 })).toBe(255);
  // Killed and not yet reaped, or gone: nobody is left who sleeps.
  const stat = `/proc/${readFileSync(pid, 'latin1').trim()}/stat`;
  const state = () => {
    try {
      return readFileSync(stat, 'latin1').split(') ')[1]?.[0];
    } catch {
      return 'X';
    }
  };
  await expect.poll(state).toMatch(/[ZX]/);
});
