// What login process, parent and workers say to each other: JSON objects over Node's IPC channel, texts latin1.
//
//   login process → parent    login  {id, user, password, stamp?, client}    is this a user?
//                             login  {id, user, certificates, client}        is this the certificates' user?
//                             take   {id, rest, tag?, secure} + socket       serve this client: only after "ok"
//                             drop   {id}                                    the client went away meanwhile
//   parent → login process    verdict{id, verdict, proof?}     ended{id, counts?}     keys{keys, clients?}
//   parent → worker, as work  login  {virtualName, credentials, maildir, env}       → {verdict, env?, proof?}
//                             admit  {virtualName, maildir, env}                    → the same; the parent has seen a certificate
//                             serve  {rest, tag?, secure, env} + socket              → {counts}
//
// `env` of a verdict is what the worker wants to be told again with the client; the parent looks at its form
// alone. `proof` is the server's own, for a client that proved its password by SCRAM; it opens nothing. What comes from
// a process with fewer rights is checked here, field by field; a message that is not one of these is undefined.

import type { KeySet, TrustSet } from '@q/tls';
import type { LoginCredentials } from '@q/vmailmgr';
import type { FirstMessage } from '../child.ts';
import { fieldsOf, isId, isText } from '../fields.ts';
import {
  CERTIFICATE_TEXT_MAX,
  CERTIFICATES_MAX,
  COUNTS_MAX,
  ENV_MAX,
  REST_MAX,
  TEXT_MAX,
} from './limits.ts';
import type { Counts } from './mail-service.ts';

/** ok; refused: wrong name or password; temporary: nobody could tell. */
export type Verdict = 'ok' | 'refused' | 'temporary';

export type Env = Readonly<Record<string, string>>;

export interface LoginConfig extends FirstMessage {
  readonly role: 'login';
  /** Where connections begin with TLS. */
  readonly tlsAddresses: readonly string[];
  /** Undefined where there is no certificate. */
  readonly keys?: KeySet;
  /** Undefined where clients are not asked for certificates. */
  readonly clients?: TrustSet;
  readonly requireTls: boolean;
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

/** What a client said to prove who it is. */
export type Evidence =
  | { readonly password: string; readonly stamp?: string }
  /** DER in base64, the client's own first. */
  | { readonly certificates: readonly string[] };

export type FromLogin =
  | ({
      readonly kind: 'login';
      readonly id: number;
      readonly user: string;
      readonly client: Env;
    } & Evidence)
  | {
      readonly kind: 'take';
      readonly id: number;
      readonly rest: string;
      readonly tag?: string;
      /** The client speaks TLS, which ends in the login process. */
      readonly secure: boolean;
    }
  | { readonly kind: 'drop'; readonly id: number };

export type ToLogin =
  | {
      readonly kind: 'verdict';
      readonly id: number;
      readonly verdict: Verdict;
      readonly proof?: string;
    }
  | { readonly kind: 'ended'; readonly id: number; readonly counts?: Counts }
  | { readonly kind: 'keys'; readonly keys: KeySet; readonly clients?: TrustSet };

export type LoginWork =
  | {
      readonly do: 'login';
      /** The virtual user; '' for a system user, whose password the parent has checked. */
      readonly virtualName: string;
      readonly credentials: LoginCredentials;
      /** A system user's. */
      readonly maildir: string;
      /** What hooks start from. */
      readonly env: Env;
    }
  | {
      readonly do: 'admit';
      readonly virtualName: string;
      readonly maildir: string;
      readonly env: Env;
    }
  | {
      readonly do: 'serve';
      readonly rest: string;
      readonly tag?: string;
      readonly secure: boolean;
      readonly env: Env;
    };

/** A worker's word on a login. */
export type Checked =
  | { readonly verdict: 'ok'; readonly env: Env; readonly proof?: string }
  | { readonly verdict: 'refused' | 'temporary' };

type Fields = Readonly<Record<string, unknown>>;

export function fromLogin(message: unknown): FromLogin | undefined {
  const fields = fieldsOf(message);
  if (fields === undefined) return undefined;
  const { kind, id, user, rest, tag, secure } = fields;
  if (!isId(id)) return undefined;
  if (kind === 'drop') return { kind, id };
  if (kind === 'take') {
    if (!isText(rest, REST_MAX) || (tag !== undefined && !isText(tag, TEXT_MAX))) return undefined;
    if (typeof secure !== 'boolean') return undefined;
    return { kind, id, rest, secure, ...(tag && { tag }) };
  }
  if (kind !== 'login' || !isText(user, TEXT_MAX)) return undefined;
  const evidence = evidenceOf(fields);
  const client = clientOf(fields.client);
  return evidence && client && { kind, id, user, ...evidence, client };
}

function evidenceOf({ password, stamp, certificates }: Fields): Evidence | undefined {
  if (certificates === undefined) {
    if (!isText(password, TEXT_MAX)) return undefined;
    if (stamp !== undefined && !isText(stamp, TEXT_MAX)) return undefined;
    return { password, ...(stamp && { stamp }) };
  }
  if (!Array.isArray(certificates) || certificates.length > CERTIFICATES_MAX) return undefined;
  if (!certificates.every((each) => isText(each, CERTIFICATE_TEXT_MAX))) return undefined;
  return password === undefined ? { certificates } : undefined;
}

/** The variables of tcp-environ(5) that hooks are told, and the parent needs itself: TCPLOCALHOST. */
export const CLIENT_VARIABLES = [
  'PROTO',
  'TCPREMOTEIP',
  'TCPREMOTEPORT',
  'TCPLOCALIP',
  'TCPLOCALPORT',
  'TCPLOCALHOST',
] as const;

/** What a variable of a client may be: it comes into the environment of a program that root runs. */
export function isClientValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value);
}

function clientOf(value: unknown): Env | undefined {
  const fields = fieldsOf(value);
  if (fields === undefined) return undefined;
  const client: Record<string, string> = {};
  for (const [name, word] of Object.entries(fields)) {
    if (!CLIENT_VARIABLES.some((known) => known === name) || !isClientValue(word)) return undefined;
    client[name] = word;
  }
  return client;
}

/** A worker's answer to `login`; temporary for anything else. */
export function checkedOf(result: unknown): Checked {
  const { verdict, env, proof } = fieldsOf(result) ?? {};
  if (verdict === 'refused') return { verdict };
  if (verdict !== 'ok' || !isEnv(env)) return { verdict: 'temporary' };
  if (proof === undefined) return { verdict, env };
  return isProof(proof) ? { verdict, env, proof } : { verdict: 'temporary' };
}

/** Base64 of the 32 bytes of a SHA-256. */
function isProof(value: unknown): value is string {
  return isText(value, TEXT_MAX) && /^[A-Za-z0-9+/]{43}=$/.test(value);
}

function isEnv(value: unknown): value is Env {
  const values = Object.entries(fieldsOf(value) ?? { bad: 0 });
  return values.length <= ENV_MAX && values.every(([, text]) => isText(text, TEXT_MAX));
}

/** A worker's answer to `serve`; undefined when it makes no sense. */
export function countsOf(result: unknown): Counts | undefined {
  const counts = Object.entries(fieldsOf(fieldsOf(result)?.counts) ?? { '': 0 });
  const fine = counts.every(([name, count]) => /^[a-z]{1,20}$/.test(name) && isId(count));
  return fine && counts.length <= COUNTS_MAX ? (Object.fromEntries(counts) as Counts) : undefined;
}
