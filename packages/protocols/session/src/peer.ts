// Who is at the other end: tcp-environ(5), the variables that tcpserver, tcp-env and systemd set.

export interface Peer {
  /** Dotted or colon form; "unknown" on a pipe. An IPv6-mapped IPv4 address is written as IPv4. */
  readonly remoteIp: string;
  readonly remotePort?: number;
  readonly remoteHost?: string;
  /** What an ident server or the login said: text of a stranger. */
  readonly remoteInfo?: string;
  readonly localIp?: string;
  readonly localPort?: number;
  readonly localHost?: string;
  /** The environment a program of this connection has: the host's, the addresses, and what the rules set (RELAYCLIENT...). */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The peer that an environment describes. Texts are latin1, as all mail data. */
export function peerFromEnv(env: Readonly<Record<string, string | undefined>>): Peer {
  const text = (name: string) => {
    const value = env[name];
    return value === undefined || isAscii(value) ? value : Buffer.from(value).toString('latin1');
  };
  const port = (name: string) => {
    const value = env[name];
    return value !== undefined && /^[0-9]{1,5}$/.test(value) ? Number(value) : undefined;
  };
  return {
    env,
    // systemd's Accept=yes names the peer in REMOTE_ADDR and REMOTE_PORT.
    remoteIp: plainIp(text('TCPREMOTEIP') ?? text('REMOTE_ADDR') ?? 'unknown'),
    ...given('remotePort', port('TCPREMOTEPORT') ?? port('REMOTE_PORT')),
    ...given('remoteHost', text('TCPREMOTEHOST')),
    ...given('remoteInfo', text('TCPREMOTEINFO')),
    ...given('localIp', text('TCPLOCALIP')),
    ...given('localPort', port('TCPLOCALPORT')),
    ...given('localHost', text('TCPLOCALHOST')),
  };
}

/** The addresses of a socket, as far as it has any. */
export interface SocketAddresses {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** What of a host's environment is passed on to every session: all but what another peer was called. */
export function hostEnv(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !STALE.has(name)));
}

const STALE = new Set(['TCPREMOTEIP', 'TCPREMOTEPORT', 'TCPREMOTEHOST', 'TCPREMOTEINFO']);

/** The environment tcpserver would give for a socket, on top of a hostEnv(), where no look-up of names was made. */
export function socketEnv(
  base: Readonly<Record<string, string | undefined>>,
  socket: SocketAddresses,
): Record<string, string | undefined> {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined) return { ...base, PROTO: 'UNIX' };
  const TCPREMOTEIP = plainIp(remoteAddress);
  const env = { ...base, PROTO: 'TCP', TCPREMOTEIP, TCPREMOTEPORT: String(remotePort) };
  if (localAddress === undefined) return { ...env, TCPLOCALPORT: String(localPort) };
  return { ...env, TCPLOCALIP: plainIp(localAddress), TCPLOCALPORT: String(localPort) };
}

/** ::ffff:192.0.2.1 is 192.0.2.1: rules, logs and Received lines must not depend on how we listen. */
export function plainIp(address: string): string {
  if (!address.startsWith(':')) return address;
  const mapped = /^::ffff:([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)$/i.exec(address);
  return mapped?.[1] ?? address;
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

function given<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: V };
}
