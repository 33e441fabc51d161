// The server's side of TLS: RFC 8446, and 5246 for clients of 2008; RFC 6066 section 3 (SNI). Older versions
// and their ciphers are refused, as Node does by default and RFC 8996 asks for.

import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  TLSSocket,
} from 'node:tls';
import { Permanent, Temporary } from '@q/fault';
import type { ClientCertificates } from './client-certificates.ts';
import type { KeyPair, KeySet } from './key-files.ts';
import { CHAIN_MAX } from './limits.ts';

/** An encrypted stream. */
export interface Secured extends Duplex {
  /** What the client has shown and proved to have the key of, DER, its own first; it was found good. Empty: nothing. */
  readonly certificates: readonly Buffer[];
}

/** The certificates in use; replaced as a whole, for the connections that come after. */
export class ServerContexts {
  #standard: SecureContext;
  #byName: ReadonlyMap<string, SecureContext>;
  #clients: ClientCertificates | undefined;

  /** `clients`: undefined where they are asked for no certificate. Throws Temporary when a certificate and its key are not a pair. */
  constructor(keys: KeySet, clients?: ClientCertificates) {
    [this.#standard, this.#byName] = contextsOf(keys, clients);
    this.#clients = clients;
  }

  /** Throws as the constructor; what was in use stays in use then. */
  replace(keys: KeySet, clients?: ClientCertificates): void {
    [this.#standard, this.#byName] = contextsOf(keys, clients);
    this.#clients = clients;
  }

  /**
   * Encrypts a connection, to be given to Conn.upgrade. Rejects when the client cannot do it; with Permanent, whose text is for
   * the log, when its certificate is refused.
   */
  readonly secure = async (stream: Duplex): Promise<Secured> => {
    const clients = this.#clients;
    const tls = new TLSSocket(stream, {
      isServer: true,
      secureContext: this.#standard,
      SNICallback: (name, done) => done(null, this.#contextFor(name)),
      ...(clients && { requestCert: true, rejectUnauthorized: clients.set.required }),
    });
    let certificates: readonly Buffer[] = [];
    try {
      await Promise.race([once(tls, 'secure'), closed(tls)]);
      if (clients !== undefined) certificates = shownBy(tls, clients);
    } catch (error) {
      tls.destroy();
      throw error;
    }
    // Errors from now on are the end of the connection, which its reader sees.
    tls.on('error', () => {});
    return Object.assign(tls, { certificates });
  };

  /** The name's own certificate, then that of *.rest. */
  #contextFor(name: string): SecureContext {
    const wanted = name.toLowerCase();
    const wildcard = `_${wanted.slice(wanted.indexOf('.') < 0 ? wanted.length : wanted.indexOf('.'))}`;
    return this.#byName.get(wanted) ?? this.#byName.get(wildcard) ?? this.#standard;
  }
}

/** The client's certificates, which OpenSSL has judged, and we judge again. Throws Permanent when they are not good, or have to be there. */
function shownBy(tls: TLSSocket, clients: ClientCertificates): readonly Buffer[] {
  const chain: Buffer[] = [];
  let next = tls.getPeerX509Certificate();
  // One more than is taken, so that too many are seen to be.
  for (; next !== undefined && chain.length <= CHAIN_MAX; next = next.issuerCertificate)
    chain.push(next.raw);
  try {
    if (chain.length === 0 && clients.set.required) throw new Permanent('there is none');
    if (chain.length === 0) return chain;
    clients.check(chain);
    const wrong = verifyError(tls);
    if (wrong !== undefined) throw new Permanent(wrong);
    return chain;
  } catch (error) {
    const { message } = error as Error;
    throw new Permanent(`client certificate refused: ${message}`, { cause: error });
  }
}

/** OpenSSL's own judgement. Node gives it to those who let it make the socket; who makes one asks for it, as database drivers do. */
function verifyError(tls: TLSSocket): string | undefined {
  const { ssl } = tls as { ssl?: { verifyError?(): NodeJS.ErrnoException | null | undefined } };
  if (ssl?.verifyError === undefined) throw new Permanent('nobody judged it');
  const error = ssl.verifyError();
  return error ? (error.code ?? error.message) : undefined;
}

function contextsOf(
  keys: KeySet,
  clients: ClientCertificates | undefined,
): [SecureContext, ReadonlyMap<string, SecureContext>] {
  const asking: SecureContextOptions =
    clients === undefined ? {} : { ca: [...clients.set.trusted], secureOptions: eachAnew() };
  const byName = Object.entries(keys.byName).map(
    ([name, pair]) => [name, contextOf(pair, name, asking)] as const,
  );
  return [contextOf(keys.standard, undefined, asking), new Map(byName)];
}

/** A session taken up again would not show its chain. */
function eachAnew(): number {
  return constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;
}

function contextOf(
  { cert, key }: KeyPair,
  name: string | undefined,
  asking: SecureContextOptions,
): SecureContext {
  try {
    return createSecureContext({ cert, key, minVersion: 'TLSv1.2', ...asking });
  } catch (error) {
    const which = name === undefined ? 'servercert.pem' : `servercert.pem.${name}`;
    throw new Temporary(`unable to use ${which}: ${(error as Error).message}`, { cause: error });
  }
}

/** `once` rejects by itself on 'error'; a peer that only hangs up is an 'end' or a 'close'. */
async function closed(tls: TLSSocket): Promise<never> {
  await Promise.race([once(tls, 'close'), once(tls, 'end')]);
  throw new Error('the client hung up during the TLS handshake');
}
