// The certificates the parent looks after: the host's own, with their keys, and the CAs that clients may have theirs from.

import { faultOf } from '@q/fault';
import type { Log } from '@q/log';
import {
  ClientCertificates,
  type ClientTerms,
  KeyFiles,
  type KeySet,
  TrustFiles,
  type TrustSet,
} from '@q/tls';

export class Certificates {
  readonly #keys: KeyFiles;
  readonly #terms: ClientTerms | undefined;
  readonly #trust: TrustFiles | undefined;
  readonly #log: Log;
  #clients: ClientCertificates | undefined;

  /** `dir`: the host's control directory; `terms`: undefined where clients are not asked for certificates. */
  constructor(dir: string, terms: ClientTerms | undefined, log: Log) {
    this.#log = log;
    this.#keys = new KeyFiles(dir);
    this.#terms = terms;
    this.#trust = terms && new TrustFiles(terms.trusted);
  }

  /** True when the host has a certificate. */
  get there(): boolean {
    return this.#keys.there;
  }

  /** True when a file changed since read(). */
  get changed(): boolean {
    return this.#keys.changed || this.#trust?.changed === true;
  }

  /** What the login process needs of them. Throws Temporary when they cannot be used. */
  read(): { readonly keys: KeySet; readonly clients?: TrustSet } {
    const keys = this.#keys.read();
    if (this.#terms === undefined || this.#trust === undefined) return { keys };
    try {
      const trusted = this.#trust.read();
      this.#clients = new ClientCertificates({ ...this.#terms, trusted });
    } catch (error) {
      if (this.#clients === undefined) throw error;
      // Who was trusted still is, and a renewed key does not have to wait.
      this.#log(`warning: ${faultOf(error, 'unable to read certificates').message}`);
    }
    return { keys, clients: this.#clients.set };
  }

  /** The account that a client's certificates (DER) name. Throws Permanent for those that are not good, or name none. */
  readonly nameIn = (chain: readonly Buffer[]): string | undefined => {
    if (this.#terms?.nameIn === undefined) return undefined;
    return this.#clients?.nameOf(chain);
  };
}
