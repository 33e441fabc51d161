// The real qmail-send between peers that the test plays, byte by byte: its descriptors are those that qmail-start
// gives it. The peers use no codec of ours.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ClassicHost } from './classic-host.ts';
import { DIST } from './instance.ts';
import { until } from './processes.ts';

/** Slot, message, sender, recipient. */
export type Command = readonly [slot: number, message: string, sender: string, recipient: string];

/** The other side of two pipes of qmail-send. */
export class Peer {
  readonly #to: Duplex;
  readonly #from: Duplex;
  /** Everything that qmail-send has written, latin1. */
  heard = '';

  constructor(from: Duplex, to: Duplex, onHeard: (peer: Peer) => void = () => {}) {
    this.#from = from;
    this.#to = to;
    for (const stream of [from, to]) stream.on('error', () => {});
    from.on('data', (chunk: Buffer) => {
      this.heard += chunk.toString('latin1');
      onHeard(this);
    });
  }

  say(bytes: string): void {
    this.#to.write(Buffer.from(bytes, 'latin1'));
  }

  hangUp(): void {
    this.#from.destroy();
    this.#to.destroy();
  }

  /** What was heard, cut into commands as a spawner does. */
  get commands(): Command[] {
    const found: Command[] = [];
    for (let rest = this.heard; rest !== ''; ) {
      const whole = /^([\s\S])([^\0]*)\0([^\0]*)\0([^\0]*)\0/.exec(rest);
      if (whole === null) break;
      const [all, slot, message, sender, recipient] = whole as unknown as string[];
      found.push([(slot as string).charCodeAt(0), message ?? '', sender ?? '', recipient ?? '']);
      rest = rest.slice((all as string).length);
    }
    return found;
  }
}

export interface Recording {
  /** The byte that each spawner says first; '' for a spawner that says nothing and is gone. */
  readonly local?: string;
  readonly remote?: string;
  /** The report text for each command, without its slot and NUL; undefined: none yet. */
  readonly answer?: (command: Command) => string | undefined;
  /** "real": our qmail-clean. Else what is answered to each request: "+", "!" or "x"; '' for nothing yet. */
  readonly clean?: 'real' | '+' | '!' | 'x' | '';
  readonly env?: NodeJS.ProcessEnv;
}

const SPAWN_LIMIT = '\x78'; // 120, conf-spawn

export class RecordedSend {
  readonly child: ChildProcess;
  readonly local: Peer;
  readonly remote: Peer;
  readonly clean: Peer;
  readonly #logFile: string;
  readonly #exited: Promise<unknown[]>;
  #realClean: ChildProcess | undefined;

  constructor(host: ClassicHost, recording: Recording = {}) {
    const { uid, gid } = host;
    const env = { ...host.env, ...recording.env };
    this.#logFile = host.file(`log.${RecordedSend.#count++}`, '');
    const log = openSync(this.#logFile, 'a');
    const pipes = Array<'pipe'>(6).fill('pipe');
    this.child = spawn(join(DIST, 'qmail-send'), [], { env, uid, gid, stdio: [log, ...pipes] });
    closeSync(log);
    this.#exited = once(this.child, 'exit');
    const [, toLocal, fromLocal, toRemote, fromRemote, toClean, fromClean] = this.child
      .stdio as unknown as Duplex[] as [null, Duplex, Duplex, Duplex, Duplex, Duplex, Duplex];
    this.local = spawner(toLocal, fromLocal, recording);
    this.remote = spawner(toRemote, fromRemote, recording);
    this.clean = this.#cleaner(toClean, fromClean, recording.clean ?? 'real', { env, uid, gid });
    start(this.local, recording.local);
    start(this.remote, recording.remote);
  }

  static #count = 0;

  get log(): string {
    return readFileSync(this.#logFile, 'latin1');
  }

  async logged(text: string | RegExp): Promise<void> {
    const seen = () => (typeof text === 'string' ? this.log.includes(text) : text.test(this.log));
    await until(`${text} in the log`, seen).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.log}`);
    });
  }

  /** Ends it with a signal, or waits for its own end: its exit code. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.child.kill(signal);
    const [code] = await this.#exited;
    for (const peer of [this.local, this.remote, this.clean]) peer.hangUp();
    const clean = this.#realClean;
    clean?.stdin?.destroy();
    if (clean?.exitCode === null && clean.signalCode === null) await once(clean, 'exit');
    return code as number | null;
  }

  /** For afterEach. */
  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end('SIGKILL');
  }

  #cleaner(
    from: Duplex,
    to: Duplex,
    kind: NonNullable<Recording['clean']>,
    as: { env: NodeJS.ProcessEnv; uid: number; gid: number },
  ): Peer {
    if (kind !== 'real') {
      let answered = 0;
      return new Peer(from, to, (peer) => {
        for (const requests = peer.heard.split('\0').length - 1; answered < requests; answered++)
          peer.say(kind);
      });
    }
    const clean = spawn(join(DIST, 'qmail-clean'), [], {
      ...as,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#realClean = clean;
    for (const stream of [clean.stdin, clean.stdout]) stream?.on('error', () => {});
    from.pipe(clean.stdin as NodeJS.WritableStream);
    clean.stdout?.pipe(to);
    return new Peer(from, to);
  }
}

function spawner(from: Duplex, to: Duplex, { answer = () => 'Kok\n' }: Recording): Peer {
  let answered = 0;
  return new Peer(from, to, (peer) => {
    const { commands } = peer;
    for (; answered < commands.length; answered++) {
      const command = commands[answered] as Command;
      const text = answer(command);
      if (text !== undefined) peer.say(`${String.fromCharCode(command[0])}${text}\0`);
    }
  });
}

function start(peer: Peer, limit = SPAWN_LIMIT): void {
  if (limit === '') peer.hangUp();
  else peer.say(limit);
}
