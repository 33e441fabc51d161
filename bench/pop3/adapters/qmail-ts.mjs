// This system as a busy server runs it: one resident service.
import { join } from 'node:path';
import { openQmailService } from '../../shared/qmail-service.mjs';

export const title = 'qmail-ts, qmail-pop3d --listen';
export const packages = [];

export function missing() {
  return undefined;
}

export function open(site) {
  return openQmailService(site, {
    greeting: '+OK',
    command: (home) => [
      join(home, 'bin/qmail-pop3d'),
      '--listen',
      `127.0.0.1:${site.port}`,
      '--max',
      '1000',
      '--max-per-ip',
      '1000',
      'Maildir',
    ],
  });
}
