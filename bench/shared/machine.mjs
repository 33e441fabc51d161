// On what it was measured: without that a number says nothing.
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { distribution } from './packages.mjs';

/** `dir`: where it runs; `dist`: what is measured. */
export function machine(dir, dist) {
  const [device = '?', type = '?', options = '?'] = spawnSync(
    'findmnt',
    ['-n', '-o', 'SOURCE,FSTYPE,OPTIONS', '--target', dir],
    { encoding: 'utf8' },
  )
    .stdout.trim()
    .split(/\s+/);
  return {
    date: new Date().toISOString().slice(0, 16),
    cpu: cpus()[0]?.model ?? '?',
    cores: cpus().length,
    memoryMB: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    system: distribution(),
    disk: `${type} on ${device} (${options})`,
    node: process.version,
    loadAtStart: loadavg().map((load) => Number(load.toFixed(1))),
    // "-dirty" is a build of something that is no commit.
    commit: spawnSync('git', ['describe', '--always', '--dirty'], {
      cwd: dist,
      encoding: 'utf8',
    }).stdout?.trim(),
  };
}
