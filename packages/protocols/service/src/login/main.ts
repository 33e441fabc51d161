// What the main functions of mail services have in common: the service, or one session.

import type { Invocation } from '@q/proc';
import { isServiceChild } from '../child.ts';
import type { MailService } from './mail-service.ts';
import { type MailServiceOptions, mailServiceOptionsOf } from './options.ts';
import { mailServiceChild, mailServiceParent } from './parent.ts';

/** A user's mail, below his home, where the command line names no other. */
export const DEFAULT_MAILDIR = 'Maildir';

/**
 * Runs the whole service, with --listen, or the part of it that this process was started for; resolves to the exit code.
 * Undefined when one session is wanted, which is the program's own. `clientsOf`: what settings say of clients' certificates.
 * Throws Permanent on options that make no sense.
 */
export function mailServiceMain(
  service: MailService,
  invocation: Invocation,
  clientsOf: (env: Invocation['env']) => MailServiceOptions['clients'],
): Promise<number> | undefined {
  if (isServiceChild()) return mailServiceChild(service, invocation);
  const options = mailServiceOptionsOf(invocation);
  if (options === undefined) return undefined;
  const [maildir = DEFAULT_MAILDIR] = invocation.args;
  const clients = clientsOf(invocation.env);
  return mailServiceParent(service, invocation, { ...options, clients }, maildir);
}
