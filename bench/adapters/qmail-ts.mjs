// This system as a busy server runs it: resident listeners, no process for a connection.
import { join } from 'node:path';
import { openQmail } from '../mail/qmail-tree.mjs';
import { must } from '../shared/processes.mjs';

export const title = 'qmail-ts, qmail-smtpd --listen';
export const packages = [];

export function missing() {
  return undefined;
}

export function open(site) {
  const home = join(site.work, 'qmail');
  must(join(site.dist, 'qmail-ts'), ['setup', '--dir', home, '--hostname', `mail.${site.domain}`]);
  return openQmail(site, {
    home,
    smtpCommand: () => [
      join(home, 'bin/qmail-smtpd'),
      '--listen',
      `127.0.0.1:${site.smtpPort}`,
      '--user',
      'qmaild',
      '--max',
      '100',
    ],
  });
}
