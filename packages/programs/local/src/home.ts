// The recipient's home directory: where deliveries happen, and whether its owner lets them.

import { statSync } from 'node:fs';
import { errnoText, Temporary } from '@q/fault';

/** Write permission for others: whoever has it could become the recipient by way of a .qmail file. */
export const WRITABLE_BY_OTHERS = 0o002;

const STICKY = 0o1000;

/**
 * Changes to `home` and checks its mode. Sticky means its owner is editing a .qmail file: mail waits.
 * Returns a warning instead when deliveries are only described. Throws Temporary.
 */
export function enterHome(home: string, describeOnly: boolean): string | undefined {
  try {
    process.chdir(home);
  } catch (cause) {
    throw new Temporary(`Unable to switch to ${home}: ${errnoText(cause)}. (#4.3.0)`, { cause });
  }
  const mode = modeOfHome();
  if ((mode & WRITABLE_BY_OTHERS) !== 0)
    throw new Temporary('Uh-oh: home directory is writable. (#4.7.0)');
  if ((mode & STICKY) === 0) return undefined;
  if (describeOnly) return 'Warning: home directory is sticky.';
  throw new Temporary('Home directory is sticky: user is editing his .qmail file. (#4.2.1)');
}

function modeOfHome(): number {
  try {
    return statSync('.').mode;
  } catch (cause) {
    const text = `Unable to stat home directory: ${errnoText(cause)}. (#4.3.0)`;
    throw new Temporary(text, { cause });
  }
}
