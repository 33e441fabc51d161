// Debian's dovecot-pop3d.
import { openDovecot } from '../../shared/dovecot.mjs';

export const title = 'dovecot, as Debian configures it';
export const packages = ['dovecot-pop3d', 'dovecot-core'];

export function missing() {
  return undefined;
}

export function open(site) {
  return openDovecot(site, { protocol: 'pop3', greeting: '+OK' });
}
