// A weak old hash becomes a strong one when its owner logs in: only then is the password at hand.

import { tablePath } from './authenticate.ts';
import { RENEWAL_WAIT } from './limits.ts';
import { hashPasswordAsync, isOutdatedHash } from './password.ts';
import type { VirtualUser } from './record.ts';
import type { Settings } from './settings.ts';
import { updateTable } from './update.ts';

/**
 * Stores a new hash of `password`, which has just been proved to be that of `user`, if the setting rehash-passwords
 * is not 0 and the stored hash is of an older method. Run as the base user. Never throws: a login does not fail for
 * it, the next one tries again.
 */
export async function renewHash(
  home: string,
  settings: Settings,
  name: string,
  user: VirtualUser,
  password: Uint8Array,
): Promise<void> {
  try {
    if (settings.number('rehash-passwords') === 0 || !isOutdatedHash(user.password)) return;
    const hash = await hashPasswordAsync(password);
    await updateTable(
      tablePath(home, settings),
      (draft) => {
        const now = draft.get(name);
        // Somebody may have changed it since.
        if (now?.password === user.password) draft.set(name, { ...now, password: hash });
      },
      { wait: RENEWAL_WAIT },
    );
  } catch {
    // Said above.
  }
}
