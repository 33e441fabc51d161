// This system as qmail ran: tcpserver, and a qmail-smtpd for each connection.
import { join } from 'node:path';
import { openQmail } from '../mail/qmail-tree.mjs';
import { must } from '../shared/processes.mjs';

export const title = 'qmail-ts, tcpserver qmail-smtpd';
export const packages = ['ucspi-tcp'];

export function missing() {
  return undefined;
}

export function open(site) {
  const home = join(site.work, 'qmail');
  must(join(site.dist, 'qmail-ts'), ['setup', '--dir', home, '--hostname', `mail.${site.domain}`]);
  return openQmail(site, { home, smtpCommand: () => tcpserver(site, home) });
}

/** tcpserver's words: names are not looked up, and never too many clients for the load. */
export function tcpserver(site, home) {
  const id = (flag) => must('id', [flag, 'qmaild']).trim();
  return [
    'tcpserver',
    '-R',
    '-H',
    '-l0',
    '-c',
    '100',
    '-b',
    '100',
    '-u',
    id('-u'),
    '-g',
    id('-g'),
    '127.0.0.1',
    String(site.smtpPort),
    join(home, 'bin/qmail-smtpd'),
  ];
}
