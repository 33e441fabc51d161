// The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), up to the client's proof. Who knows the password judges the proof
// and makes the server's own; here nothing is secret. No channel binding: SCRAM-SHA-256-PLUS is not offered.
//
//   C: n,,n=user,r=rOprNGfwEbeRWgbNEkqO                                          client-first-message
//   S: r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096
//   C: c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=
//   S: v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=       once the proof is found right; C: (nothing)
//
// Salt and iterations are ours to choose anew for each exchange, because the password is stored in clear where this works. They
// depend on the name alone, and not on whether there is such a user.

import { createHmac, randomBytes } from 'node:crypto';
import { bytesOf, textOf } from '@q/bytes';
import { SCRAM_ITERATIONS } from './limits.ts';

/** The server's choices for one exchange. */
export interface ScramTerms {
  /** Its part of the nonce: printable ASCII without a comma, never the same twice. */
  readonly nonce: string;
  /** The salt for a name: the same each time, so that a client may keep what it has computed. */
  salt(user: string): Buffer;
  /** Rounds of PBKDF2. */
  readonly iterations: number;
}

/** What the client has proved the password with. */
interface ScramProof {
  /** latin1, the client's UTF-8 as it was. */
  readonly user: string;
  /** Base64 of ClientProof. */
  readonly proof: string;
  /** RFC 5802, section 3: what both proofs are made over; salt and iterations stand in it. */
  readonly authMessage: string;
}

/** The terms of a new exchange. `key`: random bytes that salts are made with, for as long as they are to stay the same. */
export function scramTerms(key: Uint8Array): ScramTerms {
  return {
    nonce: randomBytes(18).toString('base64'),
    salt: (user) => createHmac('sha256', key).update(bytesOf(user)).digest().subarray(0, 16),
    iterations: SCRAM_ITERATIONS,
  };
}

/** The text of a challenge, the proof, or undefined for a message that is none. */
type ScramStep = string | ScramProof | undefined;

/** Begins an exchange; the function takes the client's two messages, in turn. */
export function scramExchange(terms: ScramTerms): (message: Buffer) => ScramStep {
  let begun: Begun | undefined;
  return (message) => {
    if (begun !== undefined) return clientFinal(textOf(message), begun);
    begun = clientFirst(textOf(message), terms);
    return begun?.serverFirst;
  };
}

// --- internal ---

interface Begun {
  readonly user: string;
  /** Base64 of what stood before client-first-message-bare; repeated in the last message. */
  readonly binding: string;
  readonly clientFirstBare: string;
  readonly serverFirst: string;
  readonly nonce: string;
}

/**
 *   client-first-message = ("n" / "y") "," [ "a=" saslname ] "," "n=" saslname "," "r=" c-nonce ["," extensions]
 *
 * "y" is a client that could bind to the channel and saw that we cannot. "p=..." is one that does so unasked; "m=" an extension
 * that must be understood: both are refused. To act for somebody else is refused too, as with PLAIN.
 */
function clientFirst(text: string, terms: ScramTerms): Begun | undefined {
  const parts =
    /^([ny],(?:a=([^,\0]+))?,)(n=([^,\0]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,\0]+)*)$/.exec(
      text,
    );
  if (parts === null) return undefined;
  const [, header = '', authzid, clientFirstBare = '', name = '', clientNonce = ''] = parts;
  const user = saslName(name);
  if (user === undefined || (authzid !== undefined && saslName(authzid) !== user)) return undefined;
  const nonce = clientNonce + terms.nonce;
  const salt = terms.salt(user).toString('base64');
  const serverFirst = `r=${nonce},s=${salt},i=${terms.iterations}`;
  const binding = bytesOf(header).toString('base64');
  return { user, binding, clientFirstBare, serverFirst, nonce };
}

/** client-final-message = "c=" base64 ",r=" nonce ["," extensions] ",p=" base64 */
function clientFinal(text: string, begun: Begun): ScramProof | undefined {
  const parts = /^(c=([^,\0]*),r=([^,\0]+)),p=([A-Za-z0-9+/]{43}=)$/.exec(text);
  if (parts === null) return undefined;
  const [, withoutProof = '', binding, nonce, proof = ''] = parts;
  // What was said before could have been changed by who sits in between; and a proof is good for one exchange.
  if (binding !== begun.binding || nonce !== begun.nonce) return undefined;
  const authMessage = `${begun.clientFirstBare},${begun.serverFirst},${withoutProof}`;
  return { user: begun.user, proof, authMessage };
}

/** saslname: "=2C" is a comma, "=3D" an equals sign, and no other "=" may stand there. */
function saslName(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
