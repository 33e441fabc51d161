// Debian's fail2ban, unpacked and not installed, as a judge of log lines: which addresses its filters find in a log
// that multilog keeps, or syslog.
//
// Needs test/lib/unpack.sh /var/tmp/qmail-ts-fail2ban fail2ban, which .ci/run calls, and Debian's Python.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { DIST } from './instance.ts';
import { run } from './run.ts';

const PLACE = process.env.QMAILTS_FAIL2BAN ?? '/var/tmp/qmail-ts-fail2ban';
const PYTHON = '/usr/bin/python3';

export const hasFail2ban = existsSync(join(PLACE, 'usr/bin/fail2ban-regex')) && existsSync(PYTHON);
if (!hasFail2ban && process.env.QMAILTS_COMPLETE !== undefined)
  throw new Error(`fail2ban is not unpacked in ${PLACE}`);

/** The file that multilog makes of a program's output, all of it. `dir` is a scratch directory. */
export async function throughMultilog(text: string, dir: string): Promise<string> {
  const log = join(dir, 'multilog');
  mkdirSync(log);
  const kept = await run('multilog', ['t', 's9999999', log], { input: text });
  expect(kept.code, kept.err).toBe(0);
  return join(log, 'current');
}

/** Runs splogger under a syslogd that writes what it gets as the traditional ones do: time, host, message. */
const SYSLOGD = `
import os, socket, subprocess, sys
path, splogger = sys.argv[1:]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
s.settimeout(1)
# Not our own output: Node would make it non-blocking, for us too.
child = subprocess.Popen([splogger, "--socket", path, "pop3"], stdout=subprocess.DEVNULL)
while True:
    try:
        line = s.recv(4096).decode("latin1")
    except TimeoutError:
        if child.poll() is None: continue
        break
    line = line[line.index(">") + 1:]
    print(line[:15], "host", line[16:])
`;

/** The file that syslogd makes of a program's output that goes through our splogger. */
export async function throughSplogger(text: string, dir: string): Promise<string> {
  const script = ['-c', SYSLOGD, join(dir, 'devlog'), join(DIST, 'splogger')];
  const kept = await run(PYTHON, script, { input: text });
  expect(kept.code, kept.err).toBe(0);
  writeFileSync(join(dir, 'syslog'), kept.out);
  return join(dir, 'syslog');
}

/** The addresses that a filter finds in a log, one for each line it matches. */
export async function addressesFound(log: string, filter: string): Promise<string[]> {
  const words = ['-c', join(PLACE, 'etc/fail2ban'), '-o', 'ip', log, filter];
  const found = await run(PYTHON, [join(PLACE, 'usr/bin/fail2ban-regex'), ...words], {
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: join(PLACE, 'usr/lib/python3/dist-packages'),
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  expect(found.code, found.err).toBe(0);
  return found.out.toString().trim().split('\n');
}
