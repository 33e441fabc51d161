// Certificates for tests, signed by themselves.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyPair } from '../key-files.ts';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** A certificate for `name` and for 127.0.0.1, and its key. */
export function makeCertificate(name: string): KeyPair {
  const dir = mkdtempSync(join(tmpdir(), 'certificate-'));
  try {
    const [cert, key] = [join(dir, 'cert'), join(dir, 'key')];
    const words = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
    ];
    const names = `subjectAltName=DNS:${name},IP:127.0.0.1`;
    const about = ['-days', '2', '-subj', `/CN=${name}`, '-addext', names];
    execFileSync('openssl', [...words, ...about, '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    return { cert: readFileSync(cert, 'latin1'), key: readFileSync(key, 'latin1') };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
