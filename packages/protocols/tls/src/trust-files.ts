// The CAs that clients may have their certificates from: TLS_TRUSTCERTS, a file of certificates in PEM, or a directory of such
// files, under whatever names. What else stands in the files is passed over.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { faultOf, Temporary } from '@q/fault';
import { stampsAt } from '@q/fsx';
import { TRUST_FILE_MAX, TRUST_FILES_MAX, TRUSTED_MAX } from './limits.ts';

/** Reads them again when one of the files has changed. */
export class TrustFiles {
  readonly #path: string;
  #seen: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** True when a file came, went or changed since read(). */
  get changed(): boolean {
    return this.#stamp() !== this.#seen;
  }

  /** PEM texts, each of one certificate, none twice. Throws Temporary when they cannot be read, or there are none. */
  read(): readonly string[] {
    this.#seen = this.#stamp();
    try {
      const texts = new Set(this.#files().flatMap((file) => certificatesIn(file)));
      if (texts.size === 0) throw new Temporary('no certificate there');
      if (texts.size > TRUSTED_MAX) throw new Temporary('too many certificates there');
      return [...texts];
    } catch (error) {
      const { message } = faultOf(error, 'read error');
      throw new Temporary(`unable to use ${this.#path}: ${message}`, { cause: error });
    }
  }

  #stamp(): string {
    try {
      return stampsAt(this.#files());
    } catch (error) {
      // read() says what is wrong, once.
      return faultOf(error, 'unreadable').message;
    }
  }

  #files(): readonly string[] {
    if (!statSync(this.#path).isDirectory()) return [this.#path];
    const names = readdirSync(this.#path).sort();
    if (names.length > TRUST_FILES_MAX) throw new Temporary('too many files there');
    return names
      .map((name) => join(this.#path, name))
      .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  }
}

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

function certificatesIn(file: string): readonly string[] {
  if (statSync(file).size > TRUST_FILE_MAX) throw new Temporary(`${file} is too large`);
  const found = readFileSync(file, 'latin1').match(PEM) ?? [];
  // The same certificate under two names is to be the same text.
  return found.map((text) => text.replace(/\r/g, ''));
}
