// What one connection is served with: qmail-control(5), and the variables tcprules may set. Read afresh
// for each connection, so that a changed file counts from the next one on.

import { asciiLower } from '@q/bytes';
import { type Control, type HostList, readRcptHosts, sizeLimit } from '@q/control';
import { mailText } from '@q/proc';
import type { Peer } from '@q/session';
import { SESSION_MAX, TIMEOUT_DEFAULT } from './limits.ts';

export interface Config {
  /** What follows 220 and 250: control/smtpgreeting. */
  readonly greeting: string;
  /** The name that stands for this host's IP addresses in brackets: control/localiphost. */
  readonly localIpHost: string | undefined;
  /** Seconds of silence that end the connection: control/timeoutsmtpd. */
  readonly timeout: number;
  /** The largest message in bytes, 0 for any: $DATABYTES, control/databytes. */
  readonly databytes: number;
  /** Refused senders, lower case, "a@b" or "@b": control/badmailfrom. */
  readonly badMailFrom: ReadonlySet<string>;
  /** Domains we take mail for, lower case, "b" or ".b"; undefined takes mail for all: control/rcpthosts. */
  readonly rcptHosts: HostList;
  /** When set, the client may send anywhere, and this is appended to each recipient: $RELAYCLIENT. */
  readonly relayClient: string | undefined;
  /** Our name in Received lines. */
  readonly localHost: string;
}

/** Throws a fault when a control file cannot be read, or the host has no name. */
export function readConfig(control: Control, peer: Peer): Config {
  const relayClient = peer.env.RELAYCLIENT;
  return {
    greeting: control.lineOrMe('smtpgreeting'),
    localIpHost: control.line('localiphost') ?? control.me(),
    timeout: Math.min(Math.max(1, control.int('timeoutsmtpd', TIMEOUT_DEFAULT)), SESSION_MAX),
    databytes: sizeLimit(control, peer.env),
    badMailFrom: lowerSet(control.list('badmailfrom') ?? []),
    rcptHosts: readRcptHosts(control),
    relayClient: relayClient === undefined ? undefined : mailText(relayClient),
    localHost: peer.localHost ?? peer.localIp ?? 'unknown',
  };
}

function lowerSet(entries: readonly string[]): ReadonlySet<string> {
  return new Set(entries.map(asciiLower));
}
