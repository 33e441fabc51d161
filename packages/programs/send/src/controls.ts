// What control/ says to qmail-send (qmail-send(8)). Read once at the start; SIGHUP reads locals and
// virtualdomains again, all or nothing, so that a half-edited tree never routes mail.

import { asciiLower } from '@q/bytes';
import type { Control } from '@q/control';
import { Temporary } from '@q/fault';
import type { RewriteRules } from './rewrite.ts';
import type { ChannelName } from './schedule.ts';

export interface Settings {
  /** Seconds after which a message's next failing attempt is its last. */
  readonly queueLifetime: number;
  /** The most deliveries at a time; 0 holds a channel. The spawner may lower it. */
  readonly concurrency: Readonly<Record<ChannelName, number>>;
  /** The sender of bounces: BOUNCEFROM@BOUNCEHOST. */
  readonly bounceFrom: string;
  readonly bounceHost: string;
  /** Where double bounces go; undefined when they are to be discarded (an empty doublebounceto). */
  readonly doubleBounceTo: string | undefined;
  readonly rules: RewriteRules;
}

/** Throws Temporary if a file cannot be read, or neither locals nor me exists. */
export function readSettings(control: Control): Settings {
  const doubleBounceBox = control.line('doublebounceto') ?? 'postmaster';
  const doubleBounceHost = control.lineOrMe('doublebouncehost', 'doublebouncehost');
  return {
    queueLifetime: control.int('queuelifetime', 604800),
    concurrency: {
      local: control.int('concurrencylocal', 10),
      remote: control.int('concurrencyremote', 20),
    },
    bounceFrom: control.line('bouncefrom') ?? 'MAILER-DAEMON',
    bounceHost: control.lineOrMe('bouncehost', 'bouncehost'),
    doubleBounceTo: doubleBounceBox === '' ? undefined : `${doubleBounceBox}@${doubleBounceHost}`,
    rules: {
      envNoAtHost: control.lineOrMe('envnoathost', 'envnoathost'),
      percentHack: lowerSet(control.list('percenthack') ?? []),
      locals: readLocals(control),
      virtualDomains: readVirtualDomains(control),
    },
  };
}

/** control/locals, lower case; control/me alone if it does not exist. */
export function readLocals(control: Control): ReadonlySet<string> {
  const locals = control.list('locals');
  if (locals !== undefined) return lowerSet(locals);
  const me = control.me();
  if (me === undefined) throw new Temporary('neither control/locals nor control/me exists');
  return lowerSet([me]);
}

export function readVirtualDomains(control: Control): RewriteRules['virtualDomains'] {
  return control.map('virtualdomains') ?? new Map<string, string>();
}

function lowerSet(hosts: readonly string[]): ReadonlySet<string> {
  return new Set(hosts.map(asciiLower));
}
