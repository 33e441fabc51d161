// Certificates of clients: which are good, and which account they name.

import { X509Certificate } from 'node:crypto';
import { textOf } from '@q/bytes';
import { faultOf, Permanent, Temporary } from '@q/fault';
import type { Certificate } from './certificate.ts';
import { trustedOf, verifyChain } from './client-chain.ts';

/** What a process must know to judge them. */
export interface TrustSet {
  /** PEM texts of CAs, each of one. */
  readonly trusted: readonly string[];
  readonly required: boolean;
  /** An OID; undefined: they name no account. */
  readonly nameIn: string | undefined;
}

export class ClientCertificates {
  readonly set: TrustSet;
  readonly #trusted: readonly Certificate[];

  /** Throws Temporary when a CA cannot be used. */
  constructor(set: TrustSet) {
    this.set = set;
    this.#trusted = set.trusted.map(caOf);
  }

  /** Throws Permanent, with the reason for the log, for a chain (DER, the client's own first) that does not lead to our CAs. */
  check(chain: readonly Buffer[]): void {
    verifyChain(chain, this.#trusted);
  }

  /**
   * The login name (latin1) in a chain that leads to our CAs. Throws Permanent, with the reason for the log, when it does not,
   * or when there is not exactly one name.
   */
  nameOf(chain: readonly Buffer[]): string {
    const { attributes } = verifyChain(chain, this.#trusted);
    const [name, ...more] = attributes.filter(({ oid }) => oid === this.set.nameIn);
    if (name === undefined) throw new Permanent('the certificate names no account');
    if (more.length > 0) throw new Permanent('the certificate names more than one account');
    const text = textOf(name.text ?? Buffer.alloc(0));
    if (!/^[^\x00-\x20\x7f]+$/.test(text))
      throw new Permanent('the certificate names no account that could be');
    return text;
  }
}

function caOf(pem: string): Certificate {
  try {
    return trustedOf(new X509Certificate(pem).raw);
  } catch (error) {
    const { message } = faultOf(error, 'unreadable');
    throw new Temporary(`unable to trust a certificate: ${message}`, { cause: error });
  }
}
