// Debian's courier-imap.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AUTH_PACKAGES, openCourier } from '../../shared/courier.mjs';

export const title = 'courier-imap, authdaemond with userdb';
// Without gamin's server each SELECT waits for it in vain.
export const packages = ['courier-imap', 'gamin', ...AUTH_PACKAGES];
export const folderPrefix = 'INBOX.';

export function missing() {
  return undefined;
}

export function open(site) {
  return openCourier(site, {
    service: 'imapd',
    login: 'imaplogin',
    greeting: '* OK',
    forget: (maildir) => {
      for (const name of ['courierimapuiddb', 'courierimapkeywords'])
        rmSync(join(maildir, name), { recursive: true, force: true });
    },
  });
}
