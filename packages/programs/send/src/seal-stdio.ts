// Keeps Node away from fds 1 and 2, which are pipes that speak a protocol here.
//
// Leaving process.stdout and process.stderr alone is not enough: the destroy method of every net.Socket
// compares it with process.stderr, and the mere look opens fd 2 a second time, which fails, and with it the
// destroy. Warnings go to fd 2 behind JavaScript's back.

import { Writable } from 'node:stream';

/** To be called before anything makes a stream. `warn` gets what Node would have printed. */
export function sealStdio(warn: (text: string) => void): void {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  for (const name of ['stdout', 'stderr'] as const) {
    Object.defineProperty(process, name, { value: nowhere });
  }
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => warn(`${name}: ${message}`));
}
