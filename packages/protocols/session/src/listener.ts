// The resident host: many sessions in one process, with tcpserver's limits, rules and log lines.
// Binds first, gives up root second, serves third. One session's trouble ends that session alone.

import type { Server, Socket } from 'node:net';
import { faultOf, Permanent } from '@q/fault';
import { escapeForLog, type Log } from '@q/log';
import { dropPrivileges, getpwnam } from '@q/posix';
import { bind, boundText } from './bind.ts';
import { type Conn, connOfAccepted, type Secure } from './conn.ts';
import { type Endpoint, parseEndpoint } from './endpoint.ts';
import { Disconnected, Timeout } from './errors.ts';
import { Gate } from './gate.ts';
import { BACKLOG, GRACE_SECONDS, LINGER_SECONDS, MAX_SESSIONS, REFUSAL_SECONDS } from './limits.ts';
import { hostEnv, type Peer, peerFromEnv, socketEnv } from './peer.ts';
import { Rules } from './rules.ts';
import type { Place, Session } from './stdio.ts';

export interface ListenOptions {
  /** HOST:PORT, [IPv6]:PORT, unix:PATH or fd:N; see endpoint.ts. */
  readonly addresses: readonly string[];
  /** More of them, where a connection is encrypted before its first byte. */
  readonly tls?: { readonly addresses: readonly string[]; readonly secure: Secure };
  /** Most sessions at a time; the next ones are refused. */
  readonly max?: number;
  /** Most sessions at a time from one IPv4 address or IPv6 /64. */
  readonly maxPerIp?: number;
  /** The part of `max`, from 0 to 1, that one address may take with sessions that have not said place.known(). */
  readonly strangersShare?: number;
  readonly backlog?: number;
  /** A cdb made by tcprules. */
  readonly rules?: string;
  /** Becomes this user after binding, if started as root. */
  readonly user?: string;
  /** The environment sessions start from: what tcpserver would pass on. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What a connection over a limit is told, in the protocol's own words, without the line end. */
  readonly busy?: string;
  /** Seconds a session in the middle of something gets after a stop. */
  readonly graceSeconds?: number;
  readonly log: Log;
  /** Told where the listener ended up, as soon as it accepts. */
  onListening?(addresses: readonly string[]): void;
}

export interface Listener {
  /** Where it listens, in the order asked for, TLS last, with the port the kernel chose for 0. */
  readonly addresses: readonly string[];
  /** Resolves when it has stopped and the last session is over. */
  readonly closed: Promise<void>;
  /** Stops accepting, lets sessions end, and ends those that do not. */
  close(): Promise<void>;
}

/**
 * Listens and serves until close() or SIGTERM. Throws when an address cannot be had or root cannot
 * be given up; nothing is left open then.
 */
export async function listen(session: Session, options: ListenOptions): Promise<Listener> {
  const host = new Host(session, options);
  await host.open();
  const stop = () => void host.close();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  void host.closed.then(() => {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
  });
  options.onListening?.(host.addresses);
  return host;
}

class Host implements Listener {
  readonly #session: Session;
  readonly #options: ListenOptions;
  readonly #log: Log;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #gate: Gate;
  readonly #rules: Rules | undefined;
  readonly #servers: Server[] = [];
  readonly #running = new Map<Conn, Promise<void>>();
  readonly closed: Promise<void>;
  addresses: readonly string[] = [];
  #announceClosed: () => void = () => {};
  #stopping = false;
  #serial = 0;

  constructor(session: Session, options: ListenOptions) {
    this.#session = session;
    this.#options = options;
    this.#log = options.log;
    // A copy: process.env asks the C library for each name, each time.
    this.#env = hostEnv(options.env ?? {});
    const { max = MAX_SESSIONS, maxPerIp, strangersShare = 1 } = options;
    this.#gate = new Gate({ max, maxPerIp, maxStrangersPerIp: Math.ceil(max * strangersShare) });
    this.#rules = options.rules === undefined ? undefined : new Rules(options.rules);
    this.closed = new Promise((resolve) => {
      this.#announceClosed = resolve;
    });
  }

  async open(): Promise<void> {
    const { addresses, tls } = this.#options;
    const endpoints = [...addresses, ...(tls?.addresses ?? [])].map(parseEndpoint);
    if (endpoints.length === 0) throw new Permanent('nothing to listen on');
    try {
      for (const endpoint of endpoints) {
        this.#servers.push(await bind(endpoint, this.#options.backlog ?? BACKLOG));
      }
      if (this.#options.user !== undefined) become(this.#options.user);
    } catch (error) {
      for (const server of this.#servers) server.close();
      throw error;
    }
    this.addresses = this.#servers.map((server, i) => boundText(server, endpoints[i] as Endpoint));
    for (const [i, server] of this.#servers.entries()) {
      const secure = i < addresses.length ? undefined : tls?.secure;
      server.on('connection', (socket) => this.#accept(socket, secure));
      // Running out of descriptors is no reason to end: the next connection may find some.
      server.on('error', (error) =>
        this.#log(`warning: ${faultOf(error, 'unable to accept').message}`),
      );
    }
    for (const address of this.addresses) this.#log(`listening on ${address}`);
    this.#status();
  }

  async close(): Promise<void> {
    if (this.#stopping) return this.closed;
    this.#stopping = true;
    for (const server of this.#servers) server.close();
    const grace = this.#options.graceSeconds ?? GRACE_SECONDS;
    for (const conn of this.#running.keys()) conn.stop(grace);
    // A session says its last words when its time is up; one that does not even do that is cut.
    let cut: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      cut = setTimeout(resolve, (grace + LINGER_SECONDS + 1) * 1000);
    });
    await Promise.race([Promise.all(this.#running.values()), patience]);
    clearTimeout(cut);
    for (const conn of this.#running.keys()) conn.destroy();
    this.#rules?.close();
    this.#log('stopped');
    this.#announceClosed();
  }

  #accept(socket: Socket, secure: Secure | undefined): void {
    socket.on('error', () => {});
    const id = ++this.#serial;
    const env = socketEnv(this.#env, socket);
    const ip = env.TCPREMOTEIP ?? 'unknown';
    this.#log(`pid ${id} from ${ip}`);
    const admission = this.#stopping ? 'full' : this.#gate.enter(ip);
    if (admission !== 'ok') {
      this.#log(`deny ${id} ${describe(env)} ${admission}`);
      // A sentence in clear would be no sentence to a client that waits for TLS.
      refuse(socket, secure === undefined ? this.#options.busy : undefined);
      return;
    }
    const peer = this.#admit(id, env, socket);
    if (peer === undefined) {
      this.#gate.leave(ip);
      return;
    }
    const conn = connOfAccepted(socket, { linger: LINGER_SECONDS });
    let known = false;
    const place: Place = {
      known: () => {
        if (!known) this.#gate.know(ip);
        known = true;
      },
    };
    const running = this.#run(id, conn, peer, place, secure).finally(() => {
      this.#running.delete(conn);
      this.#gate.leave(ip, known);
      this.#status();
    });
    this.#running.set(conn, running);
    this.#status();
  }

  /** Asks the rules; undefined when they keep the caller out, who is then gone. */
  #admit(id: number, env: Record<string, string | undefined>, socket: Socket): Peer | undefined {
    try {
      const peer = peerFromEnv(env);
      const { remoteIp, remoteHost, remoteInfo } = peer;
      const verdict = this.#rules?.verdict({ ip: remoteIp, host: remoteHost, info: remoteInfo });
      if (verdict?.deny !== true) {
        this.#log(`ok ${id} ${describe(env)}`);
        return verdict === undefined ? peer : peerFromEnv({ ...env, ...verdict.env });
      }
      this.#log(`deny ${id} ${describe(env)}`);
      socket.destroy();
    } catch (error) {
      this.#log(`warning: ${id} dropped: ${faultOf(error, 'unable to read rules').message}`);
      refuse(socket, this.#options.busy);
    }
    return undefined;
  }

  async #run(
    id: number,
    conn: Conn,
    peer: Peer,
    place: Place,
    secure: Secure | undefined,
  ): Promise<void> {
    let code = 111;
    try {
      if (secure !== undefined) await conn.upgrade(secure);
      code = (await this.#session(conn, peer, place)) ?? 0;
    } catch (error) {
      const gone = error instanceof Timeout || error instanceof Disconnected;
      // One that was sent away: its own side may not tell it why.
      const why = gone && error.cause instanceof Permanent ? error.cause : undefined;
      if (gone) code = 1;
      if (why !== undefined) this.#log(`warning: ${id} ${escapeForLog(why.message)}`);
      if (!gone)
        this.#log(`warning: ${id} ${escapeForLog(faultOf(error, 'internal error').message)}`);
    }
    await conn.close();
    // A wait status, as tcpserver prints it: the exit code in the second byte.
    this.#log(`end ${id} status ${code * 256}`);
  }

  #status(): void {
    this.#log(`status: ${this.#gate.count}/${this.#gate.max}`);
  }
}

/** LOCALHOST:LOCALIP:LOCALPORT REMOTEHOST:REMOTEIP:REMOTEINFO:REMOTEPORT, as tcpserver writes it. */
function describe(env: Record<string, string | undefined>): string {
  const text = (name: string) => escapeForLog(env[name] ?? '');
  return (
    `${text('TCPLOCALHOST')}:${text('TCPLOCALIP')}:${text('TCPLOCALPORT')} ` +
    `${text('TCPREMOTEHOST')}:${text('TCPREMOTEIP')}:${text('TCPREMOTEINFO')}:${text('TCPREMOTEPORT')}`
  );
}

/** Says one sentence, if there is one, and hangs up whether it was heard or not. */
function refuse(socket: Socket, words: string | undefined): void {
  socket.setTimeout(REFUSAL_SECONDS * 1000, () => socket.destroy());
  socket.once('end', () => socket.destroy());
  socket.resume();
  if (words === undefined) socket.destroy();
  else socket.end(`${words}\r\n`, 'latin1');
}

function become(name: string): void {
  const account = getpwnam(name);
  if (account === undefined) throw new Permanent(`no such user: ${name}`);
  dropPrivileges({ uid: account.uid, gid: account.gid, groups: name });
}
