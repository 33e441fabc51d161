// The command line of a service with logins, beside what everything that listens has.

import { Permanent } from '@q/fault';
import type { Invocation } from '@q/proc';
import { type ListenOptions, listenFlags, listenOptionsOf } from '@q/session';
import type { ClientTerms } from '@q/tls';

/** The flags, in the form a ProgramSpec wants them. */
export const mailServiceFlags = {
  ...listenFlags,
  'tls-listen': {
    type: 'string',
    array: true,
    describe: 'as --listen, for connections that begin with TLS; may be repeated',
  },
  'require-tls': {
    type: 'boolean',
    describe: 'take no password in clear, but from this host itself',
  },
  digests: {
    type: 'boolean',
    describe:
      'offer logins that do not show the password, for users whose passwords are stored in clear',
  },
} as const;

/** What the service is asked to be. */
export interface MailServiceOptions {
  readonly listening: Omit<ListenOptions, 'log'>;
  readonly tlsAddresses: readonly string[];
  readonly requireTls: boolean;
  readonly digests: boolean;
  /** What certificates of clients are asked for; undefined: they are not. */
  readonly clients?: ClientTerms | undefined;
}

/** Undefined when this is to be one session. Throws Permanent on options that make no sense. */
export function mailServiceOptionsOf({ options, env }: Invocation): MailServiceOptions | undefined {
  const tlsAddresses = (options['tls-listen'] as readonly string[] | undefined) ?? [];
  const listening = listeningOf({ options, env }, tlsAddresses);
  if (listening === undefined) {
    const stray = ['require-tls', 'digests'].find((name) => options[name] !== undefined);
    if (stray !== undefined) throw new Permanent(`--${stray} needs --listen`);
    return undefined;
  }
  return {
    listening,
    tlsAddresses,
    requireTls: options['require-tls'] === true,
    digests: options.digests === true,
  };
}

function listeningOf(
  { options, env }: Pick<Invocation, 'options' | 'env'>,
  tlsAddresses: readonly string[],
): Omit<ListenOptions, 'log'> | undefined {
  if (options.listen !== undefined || tlsAddresses.length === 0)
    return listenOptionsOf(options, env, 'qmaild');
  // TLS alone: the other options mean the same.
  const both = listenOptionsOf({ ...options, listen: tlsAddresses }, env, 'qmaild');
  return both && { ...both, addresses: both.addresses.slice(tlsAddresses.length) };
}
