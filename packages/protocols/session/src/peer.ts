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
    return value === undefined ? undefined : Buffer.from(value).toString('latin1');
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

/** The environment tcpserver would give for a socket, on top of `base`, where no look-up of names was made. */
export function socketEnv(
  base: Readonly<Record<string, string | undefined>>,
  socket: SocketAddresses,
): Record<string, string | undefined> {
  const env = { ...base };
  for (const name of ['IP', 'PORT', 'HOST', 'INFO']) delete env[`TCPREMOTE${name}`];
  if (socket.remoteAddress === undefined) return { ...env, PROTO: 'UNIX' };
  env.PROTO = 'TCP';
  env.TCPREMOTEIP = plainIp(socket.remoteAddress);
  env.TCPREMOTEPORT = String(socket.remotePort);
  if (socket.localAddress !== undefined) env.TCPLOCALIP = plainIp(socket.localAddress);
  env.TCPLOCALPORT = String(socket.localPort);
  return env;
}

/** ::ffff:192.0.2.1 is 192.0.2.1: rules, logs and Received lines must not depend on how we listen. */
export function plainIp(address: string): string {
  const mapped = /^::ffff:([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)$/i.exec(address);
  return mapped?.[1] ?? address;
}

function given<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: V };
}
