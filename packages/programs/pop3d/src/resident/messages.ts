// What the three kinds of process say to each other: JSON objects over Node's IPC channel, texts latin1.
//
//   login process → parent    login  {id, user, password, stamp?, localHost?}   is this a user?
//                             take   {id, rest} + socket                  serve this client: only after "ok"
//                             drop   {id}                                 the client went away meanwhile
//   parent → login process    verdict{id, verdict}     ended{id, tally?}     keys{keys}
//   parent → worker           check  {id, user, password, stamp?}      serve{id, rest, maildir} + socket
//   worker → parent           checked{id, verdict, maildir?}   ended{id, tally?}
//
// The first message to a child says what it is: be-login, be-worker. What comes from a process with fewer
// rights is checked here, field by field; a message that is not one of these is undefined.

import type { KeySet } from '@q/tls';
import type { Tally } from '../session.ts';
import { REST_MAX } from './limits.ts';

/** ok; refused: wrong name or password; temporary: nobody could tell. */
export type Verdict = 'ok' | 'refused' | 'temporary';

/** Who a worker is. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface LoginConfig {
  readonly kind: 'be-login';
  /** Where connections begin with TLS. */
  readonly tlsAddresses: readonly string[];
  /** Undefined where there is no certificate. */
  readonly keys?: KeySet;
  /** No password in clear, but from loopback. */
  readonly requireTls: boolean;
  /** APOP and CRAM-MD5 are offered. */
  readonly digests: boolean;
  readonly listen: {
    readonly addresses: readonly string[];
    readonly max?: number;
    readonly maxPerIp?: number;
    readonly backlog?: number;
    readonly rules?: string;
    readonly user?: string;
  };
}

export interface WorkerConfig {
  readonly kind: 'be-worker';
  readonly account: Account;
  /** The maildir of a user whose record names none. */
  readonly maildir: string;
}

export type FromLogin =
  | {
      readonly kind: 'login';
      readonly id: number;
      readonly user: string;
      readonly password: string;
      readonly stamp?: string;
      readonly localHost?: string;
    }
  | { readonly kind: 'take'; readonly id: number; readonly rest: string }
  | { readonly kind: 'drop'; readonly id: number };

export type ToLogin =
  | { readonly kind: 'verdict'; readonly id: number; readonly verdict: Verdict }
  | { readonly kind: 'ended'; readonly id: number; readonly tally?: Tally }
  | { readonly kind: 'keys'; readonly keys: KeySet };

export type ToWorker =
  | {
      readonly kind: 'check';
      readonly id: number;
      readonly user: string;
      readonly password: string;
      readonly stamp?: string;
    }
  | {
      readonly kind: 'serve';
      readonly id: number;
      readonly rest: string;
      readonly maildir: string;
    };

export type FromWorker =
  | {
      readonly kind: 'checked';
      readonly id: number;
      readonly verdict: Verdict;
      readonly maildir?: string;
    }
  | { readonly kind: 'ended'; readonly id: number; readonly tally?: Tally };

/** Longest user name, password or path in these messages, in characters. */
const TEXT_MAX = 4096;

export function fromLogin(message: unknown): FromLogin | undefined {
  const fields = fieldsOf(message);
  if (fields === undefined) return undefined;
  const { kind, id, user, password, stamp, localHost, rest } = fields;
  if (!isId(id)) return undefined;
  if (kind === 'drop') return { kind, id };
  if (kind === 'take') return isText(rest, REST_MAX) ? { kind, id, rest } : undefined;
  if (kind !== 'login' || !isText(user) || !isText(password)) return undefined;
  if (stamp !== undefined && !isText(stamp)) return undefined;
  if (localHost !== undefined && !isText(localHost)) return undefined;
  return { kind, id, user, password, ...(stamp && { stamp }), ...(localHost && { localHost }) };
}

export function fromWorker(message: unknown): FromWorker | undefined {
  const fields = fieldsOf(message);
  if (fields === undefined) return undefined;
  const { kind, id, verdict, maildir, tally } = fields;
  if (!isId(id)) return undefined;
  if (kind === 'ended') return withTally(id, tally);
  if (kind !== 'checked') return undefined;
  if (verdict !== 'ok' && verdict !== 'refused' && verdict !== 'temporary') return undefined;
  if (maildir === undefined) return { kind, id, verdict };
  return isText(maildir) ? { kind, id, verdict, maildir } : undefined;
}

function withTally(id: number, tally: unknown): FromWorker | undefined {
  const fields = fieldsOf(tally);
  if (fields === undefined) return { kind: 'ended', id };
  const { retrieved, bytes, deleted } = fields;
  if (!isId(retrieved) || !isId(bytes) || !isId(deleted)) return undefined;
  return { kind: 'ended', id, tally: { retrieved, bytes, deleted } };
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : undefined;
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown, max = TEXT_MAX): value is string {
  return typeof value === 'string' && value.length <= max;
}
