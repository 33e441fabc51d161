// The server's side of TLS: RFC 8446, and 5246 for clients of 2008; RFC 6066 section 3 (SNI). Older versions
// and their ciphers are refused, as Node does by default and RFC 8996 asks for.

import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { Temporary } from '@q/fault';
import type { KeyPair, KeySet } from './key-files.ts';

/** The certificates in use; replaced as a whole, for the connections that come after. */
export class ServerContexts {
  #standard: SecureContext;
  #byName: ReadonlyMap<string, SecureContext>;

  /** Throws Temporary when a certificate and its key are not a pair. */
  constructor(keys: KeySet) {
    [this.#standard, this.#byName] = contextsOf(keys);
  }

  /** Throws as the constructor; what was in use stays in use then. */
  replace(keys: KeySet): void {
    [this.#standard, this.#byName] = contextsOf(keys);
  }

  /** Encrypts a connection, to be given to Conn.upgrade. Rejects when the client cannot do it. */
  readonly secure = async (stream: Duplex): Promise<Duplex> => {
    const tls = new TLSSocket(stream, {
      isServer: true,
      secureContext: this.#standard,
      SNICallback: (name, done) => done(null, this.#contextFor(name)),
    });
    try {
      await Promise.race([once(tls, 'secure'), closed(tls)]);
    } catch (error) {
      tls.destroy();
      throw error;
    }
    // Errors from now on are the end of the connection, which its reader sees.
    tls.on('error', () => {});
    return tls;
  };

  /** The name's own certificate, then that of *.rest. */
  #contextFor(name: string): SecureContext {
    const wanted = name.toLowerCase();
    const wildcard = `_${wanted.slice(wanted.indexOf('.') < 0 ? wanted.length : wanted.indexOf('.'))}`;
    return this.#byName.get(wanted) ?? this.#byName.get(wildcard) ?? this.#standard;
  }
}

function contextsOf(keys: KeySet): [SecureContext, ReadonlyMap<string, SecureContext>] {
  const byName = Object.entries(keys.byName).map(
    ([name, pair]) => [name, contextOf(pair, name)] as const,
  );
  return [contextOf(keys.standard, undefined), new Map(byName)];
}

function contextOf({ cert, key }: KeyPair, name: string | undefined): SecureContext {
  try {
    return createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
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
