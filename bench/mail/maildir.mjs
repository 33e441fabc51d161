// The Maildir that the measured deliveries end in.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export function countMail(maildir) {
  return readdirSync(join(maildir, 'new')).length;
}

export function clearMail(maildir) {
  for (const part of ['new', 'tmp', 'cur'])
    for (const name of readdirSync(join(maildir, part)))
      rmSync(join(maildir, part, name), { force: true });
}
