// Which argument of checkvpw's program is the maildir, and what goes in its place.

import { statSync } from 'node:fs';
import { asciiLower } from '@q/bytes';
import { errnoOf, faultOf, isTemporaryErrno, Temporary } from '@q/fault';
import { argText, mailText } from '@q/proc';
import type { Settings } from '@q/vmailmgr';

/**
 * The place of the maildir among `args` (the program first): the first argument with maildir-arg-str in
 * it, in any case, else the last one. Undefined when there is only the program: that is never replaced.
 */
export function maildirArgument(args: readonly string[], settings: Settings): number | undefined {
  const wanted = asciiLower(settings.string('maildir-arg-str'));
  const at = args.findIndex(
    (word, index) => index > 0 && asciiLower(mailText(word)).includes(wanted),
  );
  if (at > 0) return at;
  return args.length > 1 ? args.length - 1 : undefined;
}

/** `directory` (a path for Node), or the error-maildir setting where that is none. Throws Temporary on I/O trouble. */
export function usableMaildir(directory: string, settings: Settings): string {
  return isDirectory(directory) ? directory : argText(settings.directory('error-maildir'));
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (isTemporaryErrno(errnoOf(error) ?? ''))
      throw new Temporary(faultOf(error, `unable to stat ${path}`).message, { cause: error });
    return false;
  }
}
