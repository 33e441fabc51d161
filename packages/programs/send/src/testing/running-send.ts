// qmail-send under test: its pipes are real ones, and the test holds their other ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { pipe, socketpair } from '@q/posix';
import { type DeliveryCommand, DeliveryDecoder, encodeReport, encodeSpawnLimit } from '@q/spawn';
import { type Instance, until } from './instance.ts';

/** What to report for a command; undefined: nothing yet. */
export type Answer = (command: DeliveryCommand) => string | undefined;

/** The test in the place of a spawner. */
export class FakeSpawner {
  readonly commands: DeliveryCommand[] = [];
  readonly #output: Socket;
  readonly #input: Socket;
  answer: Answer;

  constructor(commands: number, reports: number, answer: Answer) {
    this.answer = answer;
    const decoder = new DeliveryDecoder();
    this.#input = new Socket({ fd: commands, readable: true, writable: false });
    this.#input.on('error', () => {});
    this.#input.on('data', (chunk) => {
      decoder.push(chunk, (command) => {
        this.commands.push(command);
        const text = this.answer(command);
        if (text !== undefined) this.report(command.slot, text);
      });
    });
    this.#output = new Socket({ fd: reports, readable: false, writable: true });
    this.#output.on('error', () => {});
  }

  announce(limit?: number): void {
    this.#output.write(encodeSpawnLimit(limit));
  }

  report(slot: number, text: string): void {
    this.#output.write(encodeReport(slot, text));
  }

  raw(bytes: Buffer): void {
    this.#output.write(bytes);
  }

  die(): void {
    this.#input.destroy();
    this.#output.destroy();
  }
}

export interface SendOptions {
  readonly local?: Answer;
  readonly remote?: Answer;
  /** Slots of both spawners; undefined: the usual number. Null: they say nothing. */
  readonly limit?: number | null;
  readonly lifeline?: boolean;
}

export class RunningSend {
  readonly child: ChildProcess;
  readonly clean: ChildProcess;
  readonly local: FakeSpawner;
  readonly remote: FakeSpawner;
  /** The other end of fd 7. */
  readonly lifeline: Socket | undefined;
  readonly #exited: Promise<unknown[]>;
  readonly #logEnded: Promise<unknown>;
  #log = '';

  constructor(bin: string, instance: Instance, options: SendOptions = {}) {
    const { env } = instance;
    const links = Array.from({ length: 6 }, () => pipe());
    const [toLocal, fromLocal, toRemote, fromRemote, toClean, fromClean] = links as [
      Link,
      Link,
      Link,
      Link,
      Link,
      Link,
    ];
    const ends = [toLocal.write, fromLocal.read, toRemote.write, fromRemote.read];
    const life = options.lifeline === true ? socketpair() : undefined;
    const log = pipe();
    this.clean = spawn(join(bin, 'qmail-clean'), [], {
      env,
      stdio: [toClean.read, fromClean.write, 'inherit'],
    });
    this.child = spawn(join(bin, 'qmail-send'), [], {
      env: life === undefined ? env : { ...env, QUEUELINK: '7' },
      stdio: [log.write, ...ends, toClean.write, fromClean.read, ...(life ? [life[0]] : [])],
    });
    this.#exited = once(this.child, 'exit');
    const theirs = [toClean.read, fromClean.write, toClean.write, fromClean.read, log.write];
    for (const fd of [...ends, ...theirs, ...(life ? [life[0]] : [])]) closeSync(fd);
    const lines = new Socket({ fd: log.read, readable: true, writable: false });
    lines.setEncoding('latin1').on('data', (text) => {
      this.#log += text;
    });
    this.#logEnded = once(lines, 'close');
    this.lifeline = life && new Socket({ fd: life[1] });
    this.lifeline?.on('error', () => {});
    const success: Answer = () => 'Kok\n';
    this.local = new FakeSpawner(toLocal.read, fromLocal.write, options.local ?? success);
    this.remote = new FakeSpawner(toRemote.read, fromRemote.write, options.remote ?? success);
    if (options.limit !== null) {
      this.local.announce(options.limit);
      this.remote.announce(options.limit);
    }
  }

  get log(): string {
    return this.#log;
  }

  /** The log with message and process numbers made the same in every run. */
  get story(): string[] {
    return this.#log
      .trimEnd()
      .split('\n')
      .map((line) =>
        line.replace(/\bmsg [0-9]+/, 'msg N').replace(/^(bounce msg N qp) [0-9]+/, '$1 P'),
      );
  }

  async logged(text: string | RegExp, seconds?: number): Promise<void> {
    const seen = () => (typeof text === 'string' ? this.#log.includes(text) : text.test(this.#log));
    await until(seen, () => `${text} in the log:\n${this.#log}`, seconds);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** True once it has a handler for the signal. Node itself has one for SIGTERM and SIGINT at all times. */
  catches(name: NodeJS.Signals): boolean {
    const about = `/proc/${this.child.pid}`;
    // Until it has become qmail-send it has this process's handlers.
    if (!readFileSync(`${about}/cmdline`, 'latin1').includes('qmail-send')) return false;
    const status = readFileSync(`${about}/status`, 'latin1');
    const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
    return ((BigInt(`0x${caught}`) >> BigInt(constants.signals[name] - 1)) & 1n) === 1n;
  }

  /** What its descriptors lead to. */
  openFiles(): string[] {
    const directory = `/proc/${this.child.pid}/fd`;
    return readdirSync(directory).map((fd) => {
      try {
        return readlinkSync(`${directory}/${fd}`);
      } catch {
        return ''; // closed meanwhile
      }
    });
  }

  /** Ends it by a signal, or waits for its own end. Gives its exit code; all of the log has come in. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.child.kill(signal);
    const [code] = await this.#exited;
    await this.#logEnded;
    this.local.die();
    this.remote.die();
    this.lifeline?.destroy();
    if (this.clean.exitCode === null && this.clean.signalCode === null) {
      await once(this.clean, 'exit');
    }
    return code as number | null;
  }
}

type Link = ReturnType<typeof pipe>;
