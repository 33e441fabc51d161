// Who enforces quotas and sends autoresponses: vdeliver itself, or one of the hooks with which VMailMgr does
// these things. Done by both, a stranger would get two replies, and a mailbox be measured in two ways.
//
//   vdeliver   vdeliver, whatever the hooks do
//   hook       never vdeliver
//   auto       vdeliver, unless a hook of the kind names the program that does it there

import { closeSync, constants, openSync, readSync, realpathSync } from 'node:fs';
import { Temporary } from '@q/fault';
import type { Settings } from '@q/vmailmgr';
import { HOOK_SEARCHED } from './deliver-limits.ts';

const DUTIES = {
  'quota-by': /vcheckquota/,
  'autoresponse-by': /autoresponder/,
} as const;

/** `hooks` are those that run for this message. Throws Temporary for a setting that is none of the three. */
export function isDoneByHook(
  duty: keyof typeof DUTIES,
  settings: Settings,
  hooks: readonly string[],
): boolean {
  const by = settings.string(duty);
  if (by === 'vdeliver') return false;
  if (by === 'hook') return true;
  if (by !== 'auto') throw new Temporary(`the setting ${duty} is none of auto, hook, vdeliver`);
  return hooks.some((path) => DUTIES[duty].test(contentOf(path)));
}

/** Its name behind links, and its first bytes; '' for a hook that we may run but not read. */
function contentOf(path: string): string {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(HOOK_SEARCHED);
      const length = readSync(fd, bytes, 0, bytes.length, 0);
      return `${realpathSync(path)}\n${bytes.toString('latin1', 0, length)}`;
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
