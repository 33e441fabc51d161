// Where a server's certificates and keys are: as with the TLS patches for qmail, and Courier's suffix for more
// than one name.
//
//   control/servercert.pem               certificate, its chain, and the key, if it is not in the next file
//   control/serverkey.pem                the key
//   control/servercert.pem.DOMAIN        for clients that ask for DOMAIN (SNI): certificate, chain, key
//   control/serverkey.pem.DOMAIN         its key
//
// Without the first file there is no TLS. The files may be readable by root alone: whoever reads them hands the
// text to the process that needs it.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, faultOf, Temporary } from '@q/fault';
import { stampAt, stampsAt } from '@q/fsx';
import { KEY_FILE_MAX, NAMES_MAX } from './limits.ts';

const CERTIFICATE = 'servercert.pem';
const KEY = 'serverkey.pem';

/** PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface KeySet {
  readonly standard: KeyPair;
  /** By name in lower case. */
  readonly byName: Readonly<Record<string, KeyPair>>;
}

/** The files of one host; reads them again when one of them has changed. */
export class KeyFiles {
  readonly #dir: string;
  #seen: string | undefined;

  /** `dir`: the host's control directory. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** True when there is a certificate, readable or not. */
  get there(): boolean {
    return stampAt(join(this.#dir, CERTIFICATE)) !== undefined;
  }

  /** True when a file came, went or changed since read(). */
  get changed(): boolean {
    return this.#stamp() !== this.#seen;
  }

  /** What the files hold now. Throws Temporary when one cannot be read. */
  read(): KeySet {
    this.#seen = this.#stamp();
    const byName: Record<string, KeyPair> = {};
    for (const name of this.#names()) byName[name.toLowerCase()] = this.#pair(`.${name}`);
    return { standard: this.#pair(''), byName };
  }

  #pair(suffix: string): KeyPair {
    const cert = textOf(join(this.#dir, `${CERTIFICATE}${suffix}`));
    const keyFile = join(this.#dir, `${KEY}${suffix}`);
    return { cert, key: stampAt(keyFile) === undefined ? cert : textOf(keyFile) };
  }

  #names(): readonly string[] {
    const prefix = `${CERTIFICATE}.`;
    try {
      return readdirSync(this.#dir)
        .filter((file) => file.startsWith(prefix) && /^[A-Za-z0-9_.-]+$/.test(file))
        .map((file) => file.slice(prefix.length))
        .filter((name) => name !== '')
        .sort()
        .slice(0, NAMES_MAX);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw faultOf(error, `unable to read ${this.#dir}`);
    }
  }

  #stamp(): string {
    const suffixes = ['', ...this.#names().map((name) => `.${name}`)];
    const files = suffixes.flatMap((suffix) => [`${CERTIFICATE}${suffix}`, `${KEY}${suffix}`]);
    return stampsAt(files.map((file) => join(this.#dir, file)));
  }
}

function textOf(path: string): string {
  try {
    if (statSync(path).size > KEY_FILE_MAX) throw new Temporary('too large');
    return readFileSync(path, 'latin1');
  } catch (error) {
    throw new Temporary(`unable to read ${path}: ${faultOf(error, 'read error').message}`, {
      cause: error,
    });
  }
}
