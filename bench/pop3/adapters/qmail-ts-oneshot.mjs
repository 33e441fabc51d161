// This system as qmail ran: tcpserver, and three programs for each connection, one after the other.
import { join } from 'node:path';
import { openQmailService } from '../../shared/qmail-service.mjs';

export const title = 'qmail-ts, tcpserver qmail-popup checkvpw qmail-pop3d';
export const packages = ['ucspi-tcp'];

export function missing() {
  return undefined;
}

export function open(site) {
  return openQmailService(site, {
    greeting: '+OK',
    command: (home) => [
      ...[
        'tcpserver',
        '-R',
        '-H',
        '-l0',
        '-c',
        '1000',
        '-b',
        '100',
        '127.0.0.1',
        String(site.port),
      ],
      join(home, 'bin/qmail-popup'),
      `mail.${site.domain}`,
      join(home, 'bin/checkvpw'),
      join(home, 'bin/qmail-pop3d'),
      'Maildir',
    ],
  });
}
