// The ports of a private instance: which options give them, and that they are free.

import { createServer } from 'node:net';
import { errnoOf, Permanent } from '@q/fault';
import type { SubCommand, Values } from './front-door.ts';

export const HOST = '127.0.0.1';

export interface Ports {
  readonly smtp: number;
  readonly pop3: number;
  readonly imap: number;
  /** IMAP over TLS. */
  readonly imaps: number;
}

const DEFAULTS = { smtp: '2525', pop3: '2110', imap: '2143', imaps: '2993' } as const;
const NAMES = Object.keys(DEFAULTS) as (keyof Ports)[];

/** --smtp-port and so on, for the table of a command's options. */
export const portOptions: SubCommand['options'] = Object.fromEntries(
  NAMES.map((name) => [
    optionOf(name),
    { type: 'string', describe: 'port on 127.0.0.1, 0 for any', fallback: DEFAULTS[name] },
  ]),
);

export const portOptionNames: readonly string[] = NAMES.map(optionOf);

/** Throws Permanent when one cannot be used. */
export async function portsOf(values: Values): Promise<Ports> {
  const port = (name: keyof Ports) => usablePort(values, optionOf(name), DEFAULTS[name]);
  return {
    smtp: await port('smtp'),
    pop3: await port('pop3'),
    imap: await port('imap'),
    imaps: await port('imaps'),
  };
}

function optionOf(name: keyof Ports): string {
  return `${name}-port`;
}

/** The port asked for, after seeing that it is free; 0 becomes one that is. Throws Permanent when it is taken. */
async function usablePort(values: Values, option: string, fallback: string): Promise<number> {
  const text = String(values[option] ?? fallback);
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new Permanent(`--${option} ${text}: not a port`);
  const server = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: HOST, port, exclusive: true }, () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  } catch (error) {
    const reason =
      errnoOf(error) === 'EADDRINUSE' ? 'is in use' : `cannot be used (${errnoOf(error)})`;
    throw new Permanent(
      `port ${port} ${reason}: stop what listens there, or give another one with --${option}`,
    );
  } finally {
    await new Promise((done) => server.close(done));
  }
}
