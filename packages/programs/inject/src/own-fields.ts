// The fields and the envelope sender that qmail-inject makes of the user's names, the clock and its pid.

import { quoteLocal } from '@q/address';
import { Permanent } from '@q/fault';
import { rfc822Date } from '@q/message';
import { formatField, plainText, rewriteAddressList, type Token, tokenize } from '@q/rfc822';
import { SHOWN_MAX } from './limits.ts';
import { rewriteAddress } from './rewrite.ts';
import type { Settings } from './settings.ts';

/** `Date: 26 Sep 1995 04:46:53 -0000` */
export function dateField({ now }: Settings): string {
  return `Date: ${rfc822Date(now)}\n`;
}

/** `Message-ID: <19950926044653.12345.qmail@IDHOST>` */
export function messageIdField({ now, pid, idHost }: Settings): string {
  const time = new Date(now * 1000).toISOString().slice(0, 19).replace(/[-T:]/g, '');
  // It may come from the environment, and must not end the field.
  return `Message-ID: <${time}.${pid}.qmail@${idHost.replace(/[\0-\x20\x7f]/g, '')}>\n`;
}

/** `From: "Full Name" <user@host>`, or with the flag c `From: user@host (Full Name)`. */
export function fromField(settings: Settings): string {
  const { user, host, fullName } = settings.identity;
  const address = boxTokens(quoteLocal(user), host);
  const named: Token[] =
    fullName === undefined
      ? address
      : settings.flags.nameAsComment
        ? [...address, { type: 'comment', text: fullName }]
        : [{ type: 'quoted', text: fullName }, LEFT, ...address, RIGHT];
  const list = rewriteAddressList(named, (box) => rewriteAddress(box, settings.defaults));
  if (list === undefined) throw unparsable(formatField('From', named));
  return formatField('From', list);
}

/** The envelope sender when nothing else names one; with r and m made for this message and each recipient. */
export function defaultSender(settings: Settings): string {
  const { identity, flags, now, pid } = settings;
  const user =
    identity.senderUser +
    (flags.verpMessage ? `-${now}.${pid}` : '') +
    (flags.verpRecipient ? '-' : '');
  const box = boxTokens(quoteLocal(user), identity.senderHost);
  return withVerp(plainText(rewriteAddress(box, settings.defaults)), settings);
}

/** The mark by which qmail-send makes a sender for each recipient, if that was asked for. */
export function withVerp(sender: string, { flags }: Settings): string {
  return flags.verpRecipient ? `${sender}-@[]` : sender;
}

export function unparsable(line: string): Permanent {
  return new Permanent(`unable to parse this line:\n${shown(line.replace(/\n$/, ''))}`);
}

/** Mail text as standard error shows it: its bytes, where they are UTF-8, and of control characters only tabs and line ends. */
export function shown(text: string): string {
  return Buffer.from(text.slice(0, SHOWN_MAX), 'latin1')
    .toString('utf8')
    .replace(/[\0-\x08\x0b-\x1f\x7f]/g, '?');
}

function boxTokens(local: string, host: string | undefined): Token[] {
  const text = host === undefined ? local : `${local}@${host}`;
  const tokens = tokenize(text);
  if (tokens === undefined) throw unparsable(text);
  return tokens;
}

const LEFT: Token = { type: '<', text: '<' };
const RIGHT: Token = { type: '>', text: '>' };
