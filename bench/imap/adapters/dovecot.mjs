// Debian's dovecot-imapd.
import { openDovecot } from '../../shared/dovecot.mjs';

export const title = 'dovecot, as Debian configures it';
export const packages = ['dovecot-imapd', 'dovecot-core'];
export const folderPrefix = '';

export function missing() {
  return undefined;
}

export function open(site) {
  return openDovecot(site, { protocol: 'imap', greeting: '* OK' });
}
