// A C qmail built elsewhere: BENCH_QMAIL=/var/qmail names its home, as compiled in, set up and with the users
// it was compiled for. The run works on a copy that is mounted in its place.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openQmail } from '../mail/qmail-tree.mjs';
import { must } from '../shared/processes.mjs';
import { tcpserver } from './qmail-ts-oneshot.mjs';

const home = process.env.BENCH_QMAIL;

export const title = `qmail in C, tcpserver qmail-smtpd`;
export const packages = ['ucspi-tcp'];

export function missing() {
  if (home === undefined) return 'no C qmail named: set BENCH_QMAIL to its home';
  if (!existsSync(join(home, 'bin/qmail-queue'))) return `${home}/bin/qmail-queue is not there`;
  return undefined;
}

export function open(site) {
  // Its path is compiled in, so the copy takes the place of the tree, for the run alone.
  const copy = join(site.work, 'qmail');
  must('cp', ['-a', home, copy]);
  must('mount', ['--bind', copy, home]);
  const system = openQmail(site, { home, smtpCommand: () => tcpserver(site, home) });
  system.wipe();
  return system;
}
