// Debian's Courier, unpacked and not installed: its login programs, servers and authdaemond run in a mount namespace
// where it is installed (sandbox.sh), with configuration and sockets in a test's own directory.
//
// Needs root and test/lib/unpack-courier.sh, which .ci/run calls.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIST } from './instance.ts';
import { killQuietly, until } from './processes.ts';
import { isRoot, type Ran, run } from './run.ts';

const PLACE = process.env.QMAILTS_COURIER ?? '/var/tmp/qmail-ts-courier';
const unpacked = existsSync(join(PLACE, 'usr/sbin/authtest'));
if (!unpacked && process.env.QMAILTS_COMPLETE !== undefined)
  throw new Error(`Courier is not unpacked in ${PLACE}`);

export const hasCourier = isRoot && unpacked;

const SANDBOX = join(import.meta.dirname, 'sandbox.sh');
const LIBEXEC = '/usr/lib/courier/courier';
const IMAP = [`${LIBEXEC}/imaplogin`, '/usr/bin/imapd', 'Maildir'] as const;
const POP3 = [`${LIBEXEC}/courierpop3login`, `${LIBEXEC}/courierpop3d`, 'Maildir'] as const;

/** What tcpserver and Courier's start scripts put into the environment of a login program. */
const SERVER_ENV = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LD_LIBRARY_PATH: '/usr/lib:/usr/lib/courier-authlib',
  TCPREMOTEPORT: '1',
  TCPLOCALPORT: '1143',
  IMAP_CAPABILITY: 'IMAP4rev1 UIDPLUS AUTH=CRAM-MD5',
  POP3AUTH: 'LOGIN CRAM-MD5',
  MAILDIRPATH: 'Maildir',
};

export class Courier {
  readonly #top: string;
  readonly #qmail: string;
  #service: ChildProcess | undefined;
  readonly #sessions = new Set<CourierSession>();
  #log = '';
  #clients = 0;

  /** Below `top` are etc/ and run/ as Courier sees them; `qmail` is the QMAILHOME of our programs. */
  constructor(top: string, qmail: string) {
    this.#top = top;
    this.#qmail = qmail;
    // The programs run as whoever logs in.
    chmodSync(top, 0o755);
    mkdirSync(join(top, 'etc'));
    cpSync(join(PLACE, 'etc/courier'), join(top, 'etc/courier'), { recursive: true });
    mkdirSync(join(top, 'run/courier/authdaemon'), { recursive: true });
  }

  /** What the authentication service and the login programs wrote on stderr. */
  get log(): string {
    return this.#log;
  }

  get socket(): string {
    return join(this.#top, 'run/courier/authdaemon/socket');
  }

  /** Runs a command of Courier's, or any other, to its end. */
  command(...command: readonly string[]): Promise<Ran> {
    const [file, words] = this.#inside(command);
    const env = { ...SERVER_ENV, TCPREMOTEIP: this.#newAddress(), QMAILHOME: this.#qmail };
    return run(file, words, { env, cwd: '/' });
  }

  /** Our own service, where Courier's programs expect authdaemond. */
  async startAuthd(): Promise<void> {
    const words = [process.execPath, join(DIST, 'vmail-authd'), '--user', 'nobody'];
    await this.#start(words, () => this.#log.includes('listening on'));
  }

  /** Courier's authdaemond, which asks authvmailmgr-pipe, and then the other modules. */
  async startAuthdaemond(others: readonly string[] = []): Promise<void> {
    const modules = ['authpipe', ...others].join(' ');
    writeFileSync(
      join(this.#top, 'etc/courier/authdaemonrc'),
      `authmodulelist="${modules}"\nauthmodulelistorig="${modules}"\ndaemons=2\n` +
        'authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=""\n',
    );
    const script = `#!/bin/sh\nexec ${process.execPath} ${join(DIST, 'authvmailmgr-pipe')}\n`;
    writeFileSync(join(this.#top, 'etc/courier/authProg'), script, { mode: 0o755 });
    const daemon = '/usr/lib/courier/courier-authlib/authdaemond';
    await this.#start([daemon], () => existsSync(this.socket));
  }

  /** A client of imapd: imaplogin and what it becomes; or of another chain of programs, which begins with `greeting`. */
  imap(
    env: NodeJS.ProcessEnv = {},
    chain: readonly string[] = IMAP,
    greeting = /^\* OK.*\r\n/m,
  ): Promise<CourierSession> {
    return this.#open(chain, env, greeting);
  }

  pop3(env: NodeJS.ProcessEnv = {}): Promise<CourierSession> {
    return this.#open(POP3, env, /^\+OK.*\r\n/m);
  }

  /** Ends everything; for afterEach. */
  async stop(): Promise<void> {
    for (const session of this.#sessions) await session.end();
    const running = this.#service;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const over = new Promise((resolve) => running.once('close', resolve));
    killQuietly(running.pid as number, 'SIGTERM');
    await over;
  }

  /** Each client comes from an address of its own: all of them together are no guesser. */
  #newAddress(): string {
    const number = ++this.#clients;
    return `198.18.${number >> 8}.${number & 255}`;
  }

  async #start(words: readonly string[], ready: () => boolean): Promise<void> {
    const [file, args] = this.#inside(words);
    const { LD_LIBRARY_PATH } = SERVER_ENV;
    const service = spawn(file, args, {
      env: {
        PATH: `${DIST}:/usr/sbin:/usr/bin:/sbin:/bin`,
        QMAILHOME: this.#qmail,
        LD_LIBRARY_PATH,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
    });
    this.#service = service;
    service.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString('latin1');
    });
    await until('the service listens', () => {
      if (service.exitCode !== null) throw new Error(`it ended: ${this.#log}`);
      return ready();
    });
  }

  async #open(
    chain: readonly string[],
    env: NodeJS.ProcessEnv,
    greeting: RegExp,
  ): Promise<CourierSession> {
    const [file, words] = this.#inside(chain);
    const child = spawn(file, words, {
      env: { ...SERVER_ENV, TCPREMOTEIP: this.#newAddress(), QMAILHOME: this.#qmail, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
    });
    const session = new CourierSession(child, (text) => {
      this.#log += text;
    });
    this.#sessions.add(session);
    await session.until(greeting);
    return session;
  }

  /** The words that run a command where Courier is installed. */
  #inside(command: readonly string[]): readonly [string, readonly string[]] {
    const places = [PLACE, join(this.#top, 'etc'), join(this.#top, 'run')];
    return ['unshare', ['--mount', '--propagation', 'private', SANDBOX, ...places, ...command]];
  }
}

/** One session that waits for each answer: the login programs lose what is typed ahead of the exec. */
export class CourierSession {
  readonly #child: ChildProcess;
  readonly #over: Promise<unknown>;
  #heard = '';
  #said = '';
  #log = '';

  constructor(child: ChildProcess, log: (text: string) => void) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString('latin1');
      log(chunk.toString('latin1'));
    });
    child.stdin?.on('error', () => {});
    this.#over = new Promise((resolve) => child.once('close', resolve));
  }

  /** Says a line, and gives what came up to and with `answer`. */
  say(line: string, answer: RegExp): Promise<string> {
    this.#said = line;
    this.#child.stdin?.write(`${line}\r\n`);
    return this.until(answer);
  }

  async until(answer: RegExp): Promise<string> {
    const state = () => `after ${JSON.stringify(this.#said)}: ${this.#heard} ${this.#log}`;
    await until(`the server answers ${answer}`, () => {
      if (answer.test(this.#heard)) return true;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`it ended ${state()}`);
      return false;
    }).catch((error: unknown) => {
      throw new Error(state(), { cause: error });
    });
    const heard = this.#heard;
    this.#heard = '';
    return heard;
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      killQuietly(this.#child.pid as number, 'SIGTERM');
    await this.#over;
  }
}
