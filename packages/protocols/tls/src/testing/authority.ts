// A CA for tests, and certificates that clients have from it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyPair } from '../key-files.ts';

export interface Authority extends KeyPair {
  /**
   * A certificate for a subject ("/CN=joe"), with the extensions (in openssl's words, a line each) of a client unless others are
   * given. `days` from now on; negative: over by now.
   */
  issue(subject: string, wish?: { readonly extensions?: string; readonly days?: number }): KeyPair;
  /** The same, with a CA of its own right; its `cert` is what clients have to show behind their own. */
  issueAuthority(subject: string, extensions?: string): Authority;
}

const CLIENT = 'basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n';
const CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n';

/** A CA that vouches for itself. */
export function makeAuthority(subject = '/CN=Test CA', extensions = CA): Authority {
  return authorityOf(makePair(subject, extensions, 2, undefined));
}

function authorityOf(pair: KeyPair): Authority {
  return {
    ...pair,
    issue: (subject, { extensions = CLIENT, days = 2 } = {}) =>
      makePair(subject, extensions, days, pair),
    issueAuthority: (subject, extensions = CA) =>
      authorityOf(makePair(subject, extensions, 2, pair)),
  };
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function makePair(
  subject: string,
  extensions: string,
  days: number,
  by: KeyPair | undefined,
): KeyPair {
  const dir = mkdtempSync(join(tmpdir(), 'authority-'));
  try {
    const at = (name: string) => join(dir, name);
    writeFileSync(at('extensions'), extensions);
    openssl(['req', ...NEW_KEY, '-subj', subject, '-keyout', at('key'), '-out', at('request')]);
    if (by !== undefined) {
      writeFileSync(at('ca'), by.cert);
      writeFileSync(at('cakey'), by.key);
    }
    const signed = by ? ['-CA', at('ca'), '-CAkey', at('cakey')] : ['-signkey', at('key')];
    const serial = ['-set_serial', String(1 + Math.floor(Math.random() * 2 ** 40))];
    const about = ['-days', String(days), ...serial, '-extfile', at('extensions')];
    openssl(['x509', '-req', '-in', at('request'), ...signed, ...about, '-out', at('cert')]);
    return { cert: readFileSync(at('cert'), 'latin1'), key: readFileSync(at('key'), 'latin1') };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function openssl(words: readonly string[]): void {
  execFileSync('openssl', [...words], { stdio: 'ignore' });
}
