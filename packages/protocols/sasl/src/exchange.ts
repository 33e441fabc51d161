// The SASL exchanges that end in a name and a password: RFC 4616 (PLAIN), LOGIN as mail clients speak it,
// RFC 2195 (CRAM-MD5) and RFC 7677 (SCRAM-SHA-256), and EXTERNAL (RFC 4422, appendix A), which ends in a name alone. Pure: how challenges and responses travel is the protocol's business.
//
//   PLAIN     C: [authzid] NUL authcid NUL passwd
//   LOGIN     S: Username:   C: authcid      S: Password:   C: passwd        (a first response is the name)
//   CRAM-MD5  S: <stamp>     C: authcid SP hex-digest, HMAC-MD5 of the stamp under the password
//   EXTERNAL  C: [authzid]; who it is stands in the certificate that the connection was encrypted with
//   SCRAM     scram.ts: the proof stands for the password, what it was made over for the stamp
//
// To act for somebody else (an authzid that is not the authcid) is refused: nobody here has that right.

import { textOf } from '@q/bytes';
import { type ScramTerms, scramExchange } from './scram.ts';

export type Mechanism = 'PLAIN' | 'LOGIN' | 'CRAM-MD5' | 'SCRAM-SHA-256' | 'EXTERNAL';

/** What checkpassword gets; latin1. `stamp` only where `password` is a digest or proof made with it. */
export interface SaslLogin {
  readonly user: string;
  readonly password: string;
  readonly stamp?: string;
  /** The client waits for the server's own proof before it takes itself for logged in. */
  readonly mutual?: true;
  /** No password: the client's certificate is to say whether this is its name; '' for whoever it names. */
  readonly external?: true;
}

/** What to do after a response: send a challenge, try the login, or refuse it as malformed. */
export type SaslStep =
  | { readonly is: 'challenge'; readonly text: string }
  | { readonly is: 'login'; readonly login: SaslLogin }
  | { readonly is: 'malformed' };

/** The mechanism of that name, in any case, if it is one of `offered`. */
export function mechanismOf(name: string, offered: readonly Mechanism[]): Mechanism | undefined {
  const wanted = name.toUpperCase();
  return offered.find((mechanism) => mechanism === wanted);
}

/**
 * Begins an exchange. The function it returns takes each response of the client, the first time undefined
 * where no initial response came with the command. `stamp` is CRAM-MD5's challenge, different each time; `scram`
 * is asked for with SCRAM-SHA-256 alone, which is malformed where it is left out.
 */
export function startExchange(
  mechanism: Mechanism,
  stamp: string,
  scram?: () => ScramTerms,
): (response: Buffer | undefined) => SaslStep {
  switch (mechanism) {
    case 'PLAIN':
      return (response) => (response === undefined ? challenge('') : plain(response));
    case 'LOGIN':
      return loginExchange();
    case 'CRAM-MD5':
      return (response) => (response === undefined ? challenge(stamp) : cram(response, stamp));
    case 'EXTERNAL':
      return (response) => (response === undefined ? challenge('') : external(response));
    case 'SCRAM-SHA-256':
      return scram === undefined ? () => MALFORMED : proofExchange(scram());
  }
}

/** The bytes of a base64 line; undefined when it is not one. Padding may be missing. */
export function decodeBase64(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const digits = text.replace(/=+$/, '');
  return digits.length % 4 === 1 ? undefined : Buffer.from(digits, 'base64');
}

function challenge(text: string): SaslStep {
  return { is: 'challenge', text };
}

const MALFORMED: SaslStep = { is: 'malformed' };

function submit(user: string, password: string, stamp?: string): SaslStep {
  // A NUL would end a field on checkpassword's descriptor.
  if (user === '' || password === '' || user.includes('\0') || password.includes('\0'))
    return MALFORMED;
  return { is: 'login', login: { user, password, ...(stamp !== undefined && { stamp }) } };
}

function plain(response: Buffer): SaslStep {
  const [authzid, user, password, ...rest] = textOf(response).split('\0');
  if (user === undefined || password === undefined || rest.length > 0) return MALFORMED;
  if (authzid !== '' && authzid !== user) return MALFORMED;
  return submit(user, password);
}

function external(response: Buffer): SaslStep {
  const user = textOf(response);
  if (user.includes('\0')) return MALFORMED;
  return { is: 'login', login: { user, password: '', external: true } };
}

function loginExchange(): (response: Buffer | undefined) => SaslStep {
  let user: string | undefined;
  return (response) => {
    if (response === undefined) return challenge('Username:');
    if (user !== undefined) return submit(user, textOf(response));
    user = textOf(response);
    return challenge('Password:');
  };
}

function proofExchange(terms: ScramTerms): (response: Buffer | undefined) => SaslStep {
  const exchange = scramExchange(terms);
  return (response) => {
    if (response === undefined) return challenge('');
    const step = exchange(response);
    if (typeof step !== 'object') return step === undefined ? MALFORMED : challenge(step);
    const { user, proof, authMessage } = step;
    return { is: 'login', login: { user, password: proof, stamp: authMessage, mutual: true } };
  };
}

function cram(response: Buffer, stamp: string): SaslStep {
  const text = textOf(response);
  const space = text.lastIndexOf(' ');
  const digest = text.slice(space + 1);
  if (space < 0 || !/^[0-9a-f]{32}$/i.test(digest)) return MALFORMED;
  return submit(text.slice(0, space), digest.toLowerCase(), stamp);
}
