// Which argument of checkvpw's program is the maildir.

import { asciiLower } from '@q/bytes';
import { mailText } from '@q/proc';
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
