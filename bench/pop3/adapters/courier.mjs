// Debian's courier-pop.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AUTH_PACKAGES, openCourier } from '../../shared/courier.mjs';

export const title = 'courier-pop, authdaemond with userdb';
export const packages = ['courier-pop', ...AUTH_PACKAGES];

export function missing() {
  return undefined;
}

export function open(site) {
  return openCourier(site, {
    service: 'pop3d',
    login: 'courierpop3login',
    greeting: '+OK',
    forget: (maildir) => rmSync(join(maildir, 'courierpop3dsizelist'), { force: true }),
  });
}
