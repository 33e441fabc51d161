// The Received lines that qmail-queue and the network servers put on top of a message (RFC 5321, 4.4).

import { asciiLower } from '@q/bytes';
import { rfc822Date } from './date.ts';
import { PEER_TEXT_MAX } from './limits.ts';

/**
 * qmail-queue's own line, with its LF: `Received: (qmail 123 invoked by uid 1000); DATE`.
 * `who` comes from invokedBy(); `now` is a Unix time in seconds.
 */
export function receivedByQueue(line: {
  readonly pid: number | string;
  readonly who: string;
  readonly now: number;
}): string {
  return `Received: (qmail ${line.pid} invoked ${line.who}); ${rfc822Date(line.now)}\n`;
}

export interface InvokerIds {
  /** A private instance, where all the users below are one. */
  readonly single: boolean;
  readonly alias: number;
  readonly qmaild: number;
  readonly qmails: number;
}

/** Who called qmail-queue, by real uid. In a private instance the uid is all that can be told. */
export function invokedBy(uid: number, ids: InvokerIds): string {
  if (!ids.single) {
    if (uid === ids.alias) return 'by alias';
    if (uid === ids.qmaild) return 'from network';
    if (uid === ids.qmails) return 'for bounce';
  }
  return `by uid ${uid}`;
}

/** What a network server knows about a message it has taken in. Everything may come from the peer. */
export interface Handover {
  /** The peer's name by DNS, or "unknown". */
  readonly remoteHost: string;
  readonly remoteIp: string;
  /** RFC 1413 answer, or the name the peer authenticated as. */
  readonly remoteInfo?: string | undefined;
  /** HELO's argument; shown only when it is not the name by DNS. */
  readonly helo?: string | undefined;
  readonly localHost: string;
  /** SMTP, ESMTPS, QMTP, QMQP... */
  readonly protocol: string;
  /** Unix time in seconds. */
  readonly now: number;
}

/**
 * The server's line, folded in two, with its LF:
 *
 *     Received: from mail.example.org (HELO me) (joe@192.0.2.1)
 *       by mx.example.net with SMTP; 26 Sep 1995 04:46:53 -0000
 */
export function receivedFrom(handover: Handover): string {
  const { remoteHost, remoteIp, remoteInfo, helo, localHost, protocol, now } = handover;
  const said =
    helo === undefined || asciiLower(helo) === asciiLower(remoteHost)
      ? ''
      : ` (HELO ${safe(helo)})`;
  const info = remoteInfo === undefined ? '' : `${safe(remoteInfo)}@`;
  return (
    `Received: from ${safe(remoteHost)}${said} (${info}${safe(remoteIp)})\n` +
    `  by ${safe(localHost)} with ${safe(protocol)}; ${rfc822Date(now)}\n`
  );
}

/** No peer can end the line, the comment or the field: what is not plainly harmless becomes "?". */
function safe(text: string): string {
  return text.slice(0, PEER_TEXT_MAX).replace(/[^A-Za-z0-9.@%+/=:[\]-]/g, '?');
}
