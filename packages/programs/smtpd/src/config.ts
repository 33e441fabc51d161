// What one connection is served with: qmail-control(5), and the variables tcprules may set. A changed file
// counts from the next connection on: see settings.ts.

import { asciiLower } from '@q/bytes';
import { type Control, type HostList, readRcptHosts, sizeLimit } from '@q/control';
import { mailText } from '@q/proc';
import type { Peer } from '@q/session';
import { SESSION_MAX, TIMEOUT_DEFAULT } from './limits.ts';

/** What the control files say. */
export interface Settings {
  /** What follows 220 and 250: control/smtpgreeting. */
  readonly greeting: string;
  /** The name that stands for this host's IP addresses in brackets: control/localiphost. */
  readonly localIpHost: string | undefined;
  /** Seconds of silence that end the connection: control/timeoutsmtpd. */
  readonly timeout: number;
  /** The largest message in bytes, 0 for any: control/databytes. */
  readonly databytes: number;
  /** Refused senders, lower case, "a@b" or "@b": control/badmailfrom. */
  readonly badMailFrom: ReadonlySet<string>;
  /** Domains we take mail for, lower case, "b" or ".b"; undefined takes mail for all: control/rcpthosts. */
  readonly rcptHosts: HostList;
}

/** The same for one peer, whose $DATABYTES comes before control/databytes. */
export interface Config extends Settings {
  /** When set, the client may send anywhere, and this is appended to each recipient: $RELAYCLIENT. */
  readonly relayClient: string | undefined;
  /** Our name in Received lines. */
  readonly localHost: string;
}

/** The files that readSettings asks for. */
export const SETTINGS_FILES = [
  'me',
  'smtpgreeting',
  'localiphost',
  'timeoutsmtpd',
  'databytes',
  'badmailfrom',
  'rcpthosts',
] as const;

/** Throws a fault when a control file cannot be read, or the host has no name. */
export function readSettings(control: Control): Settings {
  return {
    greeting: control.lineOrMe('smtpgreeting'),
    localIpHost: control.line('localiphost') ?? control.me(),
    timeout: Math.min(Math.max(1, control.int('timeoutsmtpd', TIMEOUT_DEFAULT)), SESSION_MAX),
    databytes: sizeLimit(control, {}),
    badMailFrom: lowerSet(control.list('badmailfrom') ?? []),
    rcptHosts: readRcptHosts(control),
  };
}

export function configFor(settings: Settings, peer: Peer): Config {
  const relayClient = peer.env.RELAYCLIENT;
  return {
    ...settings,
    databytes: sizeLimit({ int: () => settings.databytes }, peer.env),
    relayClient: relayClient === undefined ? undefined : mailText(relayClient),
    localHost: peer.localHost ?? peer.localIp ?? 'unknown',
  };
}

function lowerSet(entries: readonly string[]): ReadonlySet<string> {
  return new Set(entries.map(asciiLower));
}
