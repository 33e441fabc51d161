// A program that is spoken with while it runs, over pipes or on a terminal of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { killQuietly, until } from './processes.ts';

/** Runs a command on a new terminal and copies between that and its own standard input and output. */
const TERMINAL = `
import fcntl, os, pty, struct, sys, termios
def size(fd):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
def from_terminal(fd):
    global sized
    if not sized:
        sized = True
        size(fd)
    return os.read(fd, 65536)
sized = False
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], from_terminal)))
`;

export interface ConversationOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** A terminal of 40 lines and 120 columns, as TERM says. */
  readonly terminal?: boolean;
}

export class Conversation {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #closed: Promise<unknown>;
  #shown = '';
  #mark = 0;
  #over = false;

  constructor(file: string, args: readonly string[], options: ConversationOptions) {
    this.#name = file;
    const words =
      options.terminal === true ? ['python3', '-c', TERMINAL, file, ...args] : undefined;
    const [command, ...rest] = words ?? [file, ...args];
    this.#child = spawn(command as string, rest, {
      env: { ...options.env, LINES: '40', COLUMNS: '120' },
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#shown += chunk.toString('latin1');
      });
    this.#child.stdin?.on('error', () => {});
    this.#child.on('error', (error) => {
      this.#shown += error.message;
    });
    this.#closed = new Promise((resolve) => this.#child.once('close', resolve));
    this.#closed.then(() => {
      this.#over = true;
    });
  }

  /** All it said and showed so far. */
  get shown(): string {
    return this.#shown;
  }

  /** Types text; what is waited for next must be shown after it. */
  type(text: string): this {
    this.#mark = this.#shown.length;
    this.#child.stdin?.write(text, 'latin1');
    return this;
  }

  /** Waits until it shows `pattern` after what was typed last. */
  async shows(pattern: RegExp | string): Promise<void> {
    const seen = () => {
      const fresh = this.#shown.slice(this.#mark);
      return typeof pattern === 'string' ? fresh.includes(pattern) : pattern.test(fresh);
    };
    await until(
      `${this.#name} shows ${pattern}`,
      () => {
        if (seen()) return true;
        if (this.#over) throw new Error(`${this.#name} ended before it showed ${pattern}`);
        return false;
      },
      60,
    ).catch((error: Error) => {
      throw new Error(`${error.message}; it showed ${JSON.stringify(this.#shown.slice(-3000))}`);
    });
  }

  /** Waits for its end; gives the exit code. */
  async ends(): Promise<number | null> {
    await until(`${this.#name} ends`, () => this.#over, 60).catch((error: Error) => {
      throw new Error(`${error.message}; it showed ${JSON.stringify(this.#shown.slice(-3000))}`);
    });
    return this.#child.exitCode;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#over) killQuietly(this.#child.pid as number, signal);
  }

  /** Ends it, whatever it does. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    this.signal('SIGKILL');
    await this.#closed;
  }
}
