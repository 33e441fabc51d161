// The message that a user gets when the mailbox fills up: once for each percentage that is passed on the way up.

import { quoteAddress } from '@q/address';
import { type ReplyText, readReplyText } from '@q/autoreply';
import { bytesOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import { deliverToMaildir, recordAdded, type Usage, uniqueName } from '@q/maildir';
import { rfc822Date } from '@q/message';
import { type Settings, UNLIMITED } from '@q/vmailmgr';
import { WARNING_SECONDS } from './deliver-limits.ts';
import type { Room } from './deliver-quota.ts';
import { readQuotaState, writeQuotaState } from './deliver-quota-state.ts';

export interface Warned {
  readonly settings: Settings;
  /** The user's name, the domain and the mailbox's directory, all latin1. */
  readonly name: string;
  readonly host: string;
  readonly directory: string;
  say(text: string): void;
}

/**
 * To be called after a delivery, with what was known before it and what is in the mailbox now. Never throws: the
 * message has been delivered.
 */
export async function warnWhenFull(
  warned: Warned,
  room: Room,
  usage: Usage,
  now = Date.now() / 1000,
): Promise<void> {
  try {
    const { directory } = warned;
    const fullness = fullnessOf(room, usage);
    const state = readQuotaState(directory);
    const level = levelOf(room, usage, warned.settings.list('quota-warnings'));
    const next = afterDelivery(state, level, now);
    // Kept first: a warning too few does less harm than one with each message.
    if (next.percent === state.percent || !writeQuotaState(directory, { ...state, ...next }))
      return;
    if (next.percent < state.percent) return;
    const text = bytesOf(compose(warned, fullness, now));
    const { bytes } = await deliverToMaildir(bytesOf(directory), [text], { sizeInName: true });
    recordAdded(bytesOf(directory), bytes);
  } catch (error) {
    warned.say(`no warning of a full mailbox: ${faultOf(error, 'internal error').message}`);
  }
}

interface State {
  readonly percent: number;
  readonly time: number;
}

/** Upwards at once, and there is a warning then; downwards only a day after it. */
export function afterDelivery(state: State, level: number, now: number): State {
  if (level > state.percent) return { percent: level, time: now };
  const isOld = Math.abs(now - state.time) >= WARNING_SECONDS;
  return level < state.percent && isOld ? { percent: level, time: now } : state;
}

interface Fullness {
  readonly percent: number;
  readonly used: string;
  readonly quota: string;
}

/** That of the limit which is nearer. */
function fullnessOf({ quota }: Room, usage: Usage): Fullness {
  const [bytes, messages] = [usage.bytes / quota.bytes, usage.messages / quota.messages];
  return bytes >= messages
    ? { percent: percentOf(bytes), used: sizeText(usage.bytes), quota: sizeText(quota.bytes) }
    : {
        percent: percentOf(messages),
        used: `${usage.messages} messages`,
        quota: `${quota.messages} messages`,
      };
}

/** The highest of `percentages`, and of the soft quota's, that has been reached; 0 for none. Others count as none. */
export function levelOf(room: Room, usage: Usage, percentages: readonly string[]): number {
  const { percent } = fullnessOf(room, usage);
  const reached = percentages
    .filter((text) => /^[1-9][0-9]?%?$|^100%?$/.test(text))
    .map((text) => Number.parseInt(text, 10))
    .filter((level) => level <= percent);
  if (room.soft !== UNLIMITED && usage.bytes > room.soft)
    reached.push(Math.max(1, percentOf(room.soft / room.quota.bytes)));
  return Math.max(0, ...reached);
}

function percentOf(ratio: number): number {
  return Math.min(100, Math.floor(ratio * 100));
}

function sizeText(bytes: number): string {
  return bytes < 1_000_000
    ? `${Math.ceil(bytes / 1000)} kB`
    : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function compose(warned: Warned, fullness: Fullness, now: number): string {
  const { fields, body } = textOf(warned);
  const { name, host } = warned;
  const fill = (text: string) =>
    text
      .replaceAll('%PERCENT%', String(fullness.percent))
      .replaceAll('%USED%', fullness.used)
      .replaceAll('%QUOTA%', fullness.quota)
      .replaceAll('%USER%', () => mailTextOf(name));
  const others = [...fields].filter(([key]) => key !== 'from' && key !== 'subject');
  return [
    'Return-Path: <>\n',
    `Date: ${rfc822Date(Math.floor(now))}\n`,
    `Message-ID: <${uniqueName()}.vdeliver@${domainOf(host)}>\n`,
    fields.get('from') ?? `From: <${address('postmaster', host)}>\n`,
    `To: <${address(name, host)}>\n`,
    fill(fields.get('subject') ?? 'Subject: Your mailbox is %PERCENT% per cent full\n'),
    'Auto-Submitted: auto-generated\n',
    ...others.map(([, field]) => field),
    '\n',
    fill(body),
  ].join('');
}

const BUILT_IN: ReplyText = {
  fields: new Map(),
  body:
    'This mailbox holds %USED% of at most %QUOTA%: it is %PERCENT% per cent full.\n\n' +
    'When it is full, mail for it goes back to whoever sent it.\n' +
    'Please delete what you do not need, or take it off the server.\n',
};

/** The host's or the domain's text. One that cannot be used is as good as none. */
function textOf({ settings, say }: Warned): ReplyText {
  const path = settings.text('quota-warning.txt');
  if (path === undefined) return BUILT_IN;
  try {
    return readReplyText(path);
  } catch (error) {
    say(faultOf(error, `unable to read ${path}`).message);
    return BUILT_IN;
  }
}

function address(local: string, host: string): string {
  return quoteAddress(`${local}@${host}`).replaceAll('\n', '_');
}

function mailTextOf(name: string): string {
  return name.replace(/[\x00-\x1f\x7f]/g, '?');
}

function domainOf(host: string): string {
  return host.replace(/[^A-Za-z0-9.-]/g, '_');
}
