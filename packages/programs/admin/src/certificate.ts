// A private instance's certificate: signed by itself, for localhost, made by openssl(1) where that is installed.

import { existsSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { spawn } from '@q/proc';

const DAYS = '3650';

/** The certificate in control/servercert.pem; made, with its key, if it is missing. Undefined where it cannot be. */
export async function certificateOf(
  dir: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const [cert, key] = ['servercert.pem', 'serverkey.pem'].map((name) => join(dir, 'control', name));
  if (cert === undefined || key === undefined) return undefined;
  if (!existsSync(cert) && !(await make(cert, key, env))) return undefined;
  return readFileSync(cert, 'latin1');
}

/** The certificate comes last: one that is there has its key. */
async function make(cert: string, key: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const what = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const about = ['-days', DAYS, '-subj', '/CN=localhost', '-addext', names];
  const args = [...what, ...about, '-keyout', key, '-out', `${cert}.new`];
  const made = await spawn({
    file: 'openssl',
    args,
    env,
    stdio: ['ignore', 'ignore', 'ignore'],
  }).then(
    (child) => child.exited,
    () => undefined, // it is not installed
  );
  if (made === undefined || !('code' in made) || made.code !== 0) return false;
  await rename(`${cert}.new`, cert);
  return true;
}
