// Variable envelope return paths: a sender that ends in `-@[]` becomes one sender for each recipient, so
// that a mailing list sees from a bounce's address whom it concerns (qmail-send(8)).
//
// Example: `list-@host-@[]` for the recipient `joe@example.org` is `list-joe=example.org@host`.

import { splitAddress } from './split.ts';

const MARK = '-@[]';

/** The sender of one delivery. Anything that is not `PRE@HOST-@[]` with a `BOX@HOST` recipient stays as it is. */
export function expandVerp(sender: string, recipient: string): string {
  if (!sender.endsWith(MARK)) return sender;
  const { local, domain } = splitAddress(sender.slice(0, -MARK.length));
  const to = splitAddress(recipient);
  if (domain === undefined || to.domain === undefined) return sender;
  return `${local}${to.local}=${to.domain}@${domain}`;
}

/** Where a bounce for the whole message goes: `PRE@HOST-@[]` without its mark. */
export function stripVerp(sender: string): string {
  return sender.endsWith(MARK) ? sender.slice(0, -MARK.length) : sender;
}
