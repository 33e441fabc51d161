// The command line of everything that can listen: one set of flags, one meaning.

import { Permanent } from '@q/fault';
import { endpointText, inheritedEndpoints } from './endpoint.ts';
import { BACKLOG, MAX_SESSIONS } from './limits.ts';
import type { ListenOptions } from './listener.ts';

type Values = Readonly<Record<string, string | boolean | number | readonly string[] | undefined>>;

/** The flags, in the form a ProgramSpec wants them. */
export const listenFlags = {
  listen: {
    type: 'string',
    array: true,
    describe:
      'serve many connections in one process: HOST:PORT, [IPv6]:PORT, unix:PATH or fd:N; may be repeated',
  },
  max: { alias: 'c', type: 'number', describe: `most connections at a time (${MAX_SESSIONS})` },
  'max-per-ip': {
    type: 'number',
    describe: 'most connections at a time from one address (no limit)',
  },
  backlog: { alias: 'b', type: 'number', describe: `connections the kernel may hold (${BACKLOG})` },
  rules: { alias: 'x', type: 'string', describe: 'follow these rules, a cdb made by tcprules' },
  user: { alias: 'u', type: 'string', describe: 'become this user after binding' },
} as const satisfies Readonly<
  Record<string, { alias?: string; type: 'string' | 'number'; array?: boolean; describe: string }>
>;

/**
 * What the flags and the environment ask for: the options of listen() but for the log, or undefined
 * when this is to be one session on fds 0 and 1. `defaultUser` is who a listener started as root
 * becomes when nobody said; undefined keeps root.
 */
export function listenOptionsOf(
  values: Values,
  env: Readonly<Record<string, string | undefined>>,
  defaultUser?: string,
): Omit<ListenOptions, 'log'> | undefined {
  const asked = Array.isArray(values.listen) ? (values.listen as readonly string[]) : [];
  const addresses = [...asked, ...inheritedEndpoints(env).map(endpointText)];
  if (addresses.length === 0) {
    const stray = Object.keys(listenFlags).find((name) => values[name] !== undefined);
    if (stray !== undefined) throw new Permanent(`--${stray} needs --listen`);
    return undefined;
  }
  const root = process.geteuid?.() === 0;
  const user = text(values.user) ?? (root ? defaultUser : undefined);
  return {
    addresses,
    env,
    ...numberGiven('max', 'max', values),
    ...numberGiven('max-per-ip', 'maxPerIp', values),
    ...numberGiven('backlog', 'backlog', values),
    ...(text(values.rules) === undefined ? {} : { rules: text(values.rules) as string }),
    ...(user === undefined ? {} : { user }),
  };
}

function text(value: Values[string]): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberGiven<K extends string>(
  flag: string,
  name: K,
  values: Values,
): { [P in K]?: number } {
  const value = values[flag];
  if (value === undefined) return {};
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new Permanent(`--${flag} wants a whole number above 0`);
  }
  return { [name]: value } as { [P in K]: number };
}
