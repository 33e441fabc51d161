// This system as a busy server runs it: one resident service.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openQmailService } from '../../shared/qmail-service.mjs';

export const title = 'qmail-ts, imapd --listen';
export const packages = [];
export const folderPrefix = '';

export function missing() {
  return undefined;
}

export function open(site) {
  return openQmailService(site, {
    greeting: '* OK',
    command: (home) => [
      join(home, 'bin/imapd'),
      '--listen',
      `127.0.0.1:${site.port}`,
      '--max',
      '2000',
      '--max-per-ip',
      '2000',
      'Maildir',
    ],
    forget: (maildir) => {
      for (const name of ['courierimapuiddb', 'courierimapkeywords', 'mailcache'])
        rmSync(join(maildir, name), { recursive: true, force: true });
    },
  });
}
