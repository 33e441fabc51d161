// How logins are taken from one client.

import { randomBytes } from 'node:crypto';
import type { Peer } from '@q/session';
import { readSetting } from '../settings.ts';

/**
 * True when this client must encrypt its connection before it shows a password: what IMAP_TLS_REQUIRED in its environment
 * (which rules can set for a network) or in control/imapd says, else `standard`. Nobody listens on loopback.
 */
export function tlsRequired({ env, remoteIp }: Peer, standard = false): boolean {
  if (/^(127\.|::1$)/.test(remoteIp)) return false;
  const word = readSetting(env, 'IMAP_TLS_REQUIRED');
  return word === undefined ? standard : word !== '0';
}

/** RFC 2195, section 2: never the same twice, and not to be guessed. */
export function newStamp({ localIp }: Peer): string {
  return `<${randomBytes(12).toString('hex')}.${Math.floor(Date.now() / 1000)}@${localIp ?? 'imap'}>`;
}
