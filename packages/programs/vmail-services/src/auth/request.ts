// Requests of Courier's authentication clients, on authdaemond's socket and on an authpipe alike.
//
//   request   = *metadata ( pre / auth / passwd / enumerate )
//   metadata  = name "=" text LF                          ; TCPREMOTEIP=192.0.2.1
//   pre       = "PRE " module SP service SP user LF       ; no password: who is this
//   auth      = "AUTH " length LF length*OCTET            ; service LF type LF data
//   passwd    = "PASSWD " service HT user HT old HT new LF
//   enumerate = "ENUMERATE" LF
//
// The data of type "login" is user LF password [LF]; of "cram-md5", "cram-sha1", "cram-sha256" it is challenge
// LF response, both base64, the response being user SP hexadecimal digest.

import { isIP } from 'node:net';
import { textOf } from '@q/bytes';
import { fieldsOf } from '@q/service';
import type { Conn } from '@q/session';
import { AUTH_REQUEST_MAX, METADATA_LINES_MAX, TEXT_MAX } from '../limits.ts';

/**
 * What is asked, in latin1, and from where the user comes, if Courier said so. `unknown`: something we have no answer
 * for but "no".
 */
export type AuthRequest = Question & { readonly ip?: string };

type Question =
  | { readonly do: 'find'; readonly user: string }
  | { readonly do: 'login'; readonly user: string; readonly password: string }
  | {
      readonly do: 'cram';
      readonly user: string;
      readonly hash: CramHash;
      /** Decoded. */
      readonly challenge: string;
      /** Lower case hexadecimal. */
      readonly digest: string;
    }
  | {
      readonly do: 'passwd';
      readonly user: string;
      readonly password: string;
      readonly fresh: string;
    }
  | { readonly do: 'list' }
  | { readonly do: 'unknown' };

type CramHash = 'md5' | 'sha1' | 'sha256';

const UNKNOWN: Question = { do: 'unknown' };

/** The next request; undefined at the end of input. Throws LineTooLong, Timeout, RangeError for a length nobody needs. */
export async function readAuthRequest(conn: Conn): Promise<AuthRequest | undefined> {
  let from: { readonly ip?: string } = {};
  for (let lines = 0; lines < METADATA_LINES_MAX; lines++) {
    const line = await conn.readLine(AUTH_REQUEST_MAX);
    if (line === undefined) return undefined;
    const text = textOf(line);
    const [, name, value = ''] = /^([A-Z0-9]+)=(.*)$/s.exec(text) ?? [];
    if (name === 'TCPREMOTEIP' && isIP(value) !== 0) from = { ip: value };
    if (name !== undefined) continue;
    const length = /^AUTH ([0-9]{1,5})$/.exec(text)?.[1];
    if (length === undefined) return { ...parseLine(text), ...from };
    const bytes = await readExactly(conn, Number(length));
    return bytes && { ...parseAuthData(textOf(bytes)), ...from };
  }
  throw new RangeError('too much metadata before a request');
}

async function readExactly(conn: Conn, length: number): Promise<Buffer | undefined> {
  if (length > AUTH_REQUEST_MAX) throw new RangeError('a request is too long');
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < length) {
    const more = await conn.read();
    if (more === undefined) return undefined;
    bytes = Buffer.concat([bytes, more]);
  }
  conn.unread(bytes.subarray(length));
  return bytes.subarray(0, length);
}

/** A request of one line, without its end. */
function parseLine(line: string): Question {
  if (line === 'ENUMERATE') return { do: 'list' };
  const pre = /^PRE [^ ]+ [^ ]+ (.+)$/s.exec(line);
  if (pre) return { do: 'find', user: pre[1] as string };
  const words = /^PASSWD (.*)$/s.exec(line)?.[1]?.split('\t');
  if (words?.length !== 4 || words.some((word) => /[\x00-\x1f\x7f]/.test(word))) return UNKNOWN;
  const [, user = '', password = '', fresh = ''] = words;
  return { do: 'passwd', user, password, fresh };
}

/** What follows "AUTH length". */
export function parseAuthData(data: string): Question {
  const [, type = '', first, second] = data.split('\n');
  if (first === undefined || second === undefined) return UNKNOWN;
  if (type === 'login') return { do: 'login', user: first, password: second };
  const hash = /^cram-(md5|sha1|sha256)$/.exec(type)?.[1];
  const answer = /^(.+) ([0-9a-fA-F]+)$/s.exec(decode64(second));
  if (hash === undefined || answer === null) return UNKNOWN;
  const [, user = '', digest = ''] = answer;
  const challenge = decode64(first);
  return { do: 'cram', user, hash: hash as CramHash, challenge, digest: digest.toLowerCase() };
}

/** A request as another of our processes sent it; undefined when it is none. */
export function authRequestOf(value: unknown): AuthRequest | undefined {
  const fields = fieldsOf(value) ?? {};
  const texts = (...names: readonly string[]) =>
    names.every((name) => {
      const text = fields[name];
      return typeof text === 'string' && text.length <= TEXT_MAX;
    });
  const good =
    fields.do === 'list' ||
    fields.do === 'unknown' ||
    (fields.do === 'find' && texts('user')) ||
    (fields.do === 'login' && texts('user', 'password')) ||
    (fields.do === 'passwd' && texts('user', 'password', 'fresh')) ||
    (fields.do === 'cram' &&
      texts('user', 'challenge', 'digest') &&
      ['md5', 'sha1', 'sha256'].includes(String(fields.hash)));
  const placed =
    fields.ip === undefined || (typeof fields.ip === 'string' && isIP(fields.ip) !== 0);
  return good && placed ? (fields as unknown as AuthRequest) : undefined;
}

function decode64(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}
