// An instance under the shim, and windows of runs on it: each arms one fault and sends one message; then all is put
// right, the queue empties, and the accounts are made up.

import { readFileSync, rmSync, statSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import {
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  stopInstance,
} from '../instance.ts';
import { killQuietly, processesOf, retryNow, until } from '../processes.ts';
import { startSink, submitBySmtp } from '../smtp.ts';
import { Accounts, type Message } from './accounts.ts';
import {
  acceptanceFlaw,
  answerFlaws,
  deliveryFlaws,
  numberOf,
  storedFlaws,
  takeoverFlaws,
} from './durability.ts';
import { compileShim, FaultOrders, ORDERS_MAX, type Order, type Step } from './fault-orders.ts';
import { drawOrder, pick } from './fault-plan.ts';
import {
  type Copy,
  collect,
  copyOf,
  furnish,
  RECIPIENTS,
  type Recipient,
  SENDER,
  takeLog,
  waiting,
} from './mail-tree.ts';
import { run } from './submit.ts';

/** Messages under way at a time while a window's faults are armed. */
const LANES = 6;
/** How long armed faults wait for a call that meets them, ms; then how long the queue may take before it is helped. */
const PATIENCE = { armed: 1500, healed: 2500 };

export interface WindowResult {
  readonly fired: readonly Order[];
  /** The calls that the faults met. */
  readonly met: readonly Step[];
  readonly log: string;
  readonly flaws: readonly string[];
}

export class FaultBench {
  readonly accounts = new Accounts();
  readonly #top: string;
  readonly #dir: string;
  readonly #orders: FaultOrders;
  readonly #env: NodeJS.ProcessEnv;
  readonly #remote: Copy[] = [];
  #sink: Server | undefined;
  #instance: RunningInstance | undefined;

  static async open(): Promise<FaultBench> {
    const bench = new FaultBench(openDirectory('fault-'));
    await bench.#start();
    return bench;
  }

  private constructor(top: string) {
    this.#top = top;
    this.#dir = join(top, 'var');
    this.#orders = new FaultOrders(join(top, 'orders'), this.#dir);
    this.#env = this.#orders.environment(compileShim(top));
  }

  async #start(): Promise<void> {
    this.#sink = await startSink((recipient, text) => {
      this.#remote.push(copyOf(recipient as Recipient, text));
    });
    const dir = this.#dir;
    await stopInstance(await startInstance(dir));
    furnish(dir, (this.#sink.address() as AddressInfo).port);
    this.#instance = await startInstance(dir, ['--skip-demo'], this.#env);
    collect(dir);
  }

  /** One window of so many runs. `random` decides everything about them. */
  async window(index: number, runs: number, random: () => number): Promise<WindowResult> {
    const from = this.#orders.now;
    takeLog(this.#dir);
    const plans = Array.from({ length: Math.min(runs, ORDERS_MAX) }, (_, n) => ({
      order: drawOrder(random),
      message: drawMessage(`m${index}.${n}@fault`, random),
      direct: random() < 0.15,
    }));
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      for (let slot = lane; slot < plans.length; slot += LANES) {
        const plan = plans[slot] as (typeof plans)[number];
        this.#orders.arm(slot, plan.order);
        await this.#send(plan.message, plan.order.role, plan.direct);
      }
    });
    await Promise.all(lanes);
    await this.#drain(PATIENCE.armed).catch(() => {});
    const fired = plans.filter((_, slot) => this.#orders.lift(slot)).map(({ order }) => order);
    const messages = plans.map(({ message }) => message);
    try {
      await this.#settle();
    } catch (error) {
      const flaws = [
        String(error),
        ...processesOf(this.#dir).map(({ pid, name }) => `${name} ${pid} is in ${whereIs(pid)}`),
        ...this.accounts.missing.map((one) => `missing: ${one}`),
      ];
      return { fired, met: metBy(this.#orders.since(from)), log: takeLog(this.#dir), flaws };
    }
    const steps = this.#orders.since(from);
    const copies = [...collect(this.#dir), ...this.#remote.splice(0)];
    const flaws = [
      ...this.accounts.arrived(copies, steps),
      ...this.accounts.missing.map((one) => `missing: ${one}`),
      ...messages.flatMap((message) => acceptedFlaws(message, steps)),
      ...answerFlaws(steps),
      ...deliveryFlaws(steps),
      ...takeoverFlaws(steps),
    ];
    return { fired, met: metBy(steps), log: takeLog(this.#dir), flaws };
  }

  async stop(): Promise<number | null> {
    return this.#instance === undefined ? null : stopInstance(this.#instance);
  }

  /** Nothing of it is left. */
  async remove(): Promise<void> {
    await removeInstance(this.#dir, [this.#instance?.supervisor]);
    this.#sink?.close();
    this.#orders.close();
    rmSync(this.#top, { recursive: true, force: true });
  }

  async #send(message: Message, role: string, direct: boolean): Promise<void> {
    this.accounts.sent(message);
    if (await this.#submit(message, role, direct)) message.acceptedAt = this.#orders.now;
  }

  #submit(message: Message, role: string, direct: boolean): Promise<boolean> {
    const { text, recipients } = message;
    if (role === 'qmail-local' && isOneOf(recipients, ['drop@localhost', 'alice@example.test']))
      return this.#deliver(message);
    if (role === 'qmail-remote' && isOneOf(recipients, ['far@far.example']))
      return this.#transmit(message);
    if (role === 'qmail-queue' || direct) return this.#enqueue(message);
    const port = (this.#instance as RunningInstance).smtpPort;
    return submitBySmtp(port, { sender: SENDER, recipients }, text);
  }

  async #enqueue({ text, recipients }: Message): Promise<boolean> {
    const envelope = `F${SENDER}\0${recipients.map((to) => `T${to}\0`).join('')}\0`;
    return (await run(this.#command('qmail-queue', []), [text, envelope])).code === 0;
  }

  async #deliver({ text, recipients }: Message): Promise<boolean> {
    const [local = '', host = ''] = recipients[0]?.split('@') ?? [];
    const virtual = host === 'example.test';
    const home = join(this.#dir, virtual ? 'domains/example.test' : 'alias');
    const to = [virtual ? `demo-${local}` : local, '-', local, host, SENDER, './Maildir/'];
    const { code } = await run(this.#command('qmail-local', ['--', 'user', home, ...to]), [text]);
    return code === 0;
  }

  async #transmit({ text, recipients }: Message): Promise<boolean> {
    const words = ['far.example', SENDER, ...recipients];
    const { output } = await run(this.#command('qmail-remote', words), [text]);
    return /^r[^\0]*\0K/.test(output);
  }

  #command(name: string, args: readonly string[]) {
    const { uid, gid } = statSync(this.#dir);
    const bin = join(this.#dir, 'bin');
    const env = { PATH: `${bin}:${process.env.PATH}`, QMAILHOME: this.#dir, ...this.#env };
    return { file: join(bin, name), args, env, cwd: this.#dir, uid, gid };
  }

  /** Until the queue is empty, with a SIGALRM now and then so that what was put off is tried again. */
  #drain(patience: number): Promise<true> {
    return until(
      'the queue is empty',
      () => this.#alarm() || waiting(this.#dir) === 0,
      patience / 1000,
    );
  }

  /** What SIGALRM does not hurry (retries of files and bounces), a restart of qmail-send does. */
  async #settle(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.#drain(PATIENCE.healed * 2 ** Math.min(tries, 4));
        return;
      } catch (error) {
        if (tries === 8) throw error;
        for (const { pid, name } of processesOf(this.#dir))
          if (name === 'qmail-send') killQuietly(pid, 'SIGTERM');
      }
    }
  }

  #alarmed = 0;

  /** Never true. */
  #alarm(): boolean {
    if (performance.now() - this.#alarmed < 200) return false;
    this.#alarmed = performance.now();
    retryNow(this.#dir);
    return false;
  }
}

function metBy(steps: readonly Step[]): Step[] {
  return steps.filter(({ injected }) => injected);
}

function drawMessage(id: string, random: () => number): Message {
  const lines = random() < 0.05 ? 3000 : 1 + Math.floor(random() * 30);
  const body = Array.from({ length: lines }, () => `${random().toString(36)} `.repeat(4));
  const first = pick(RECIPIENTS, random);
  const more = random() < 0.3 ? RECIPIENTS.filter((one) => one !== first && random() < 0.4) : [];
  const text = `Message-ID: <${id}>\n\n${body.join('\n')}\nend of ${id}\n`;
  return { id, text, recipients: [first, ...more] };
}

function isOneOf(recipients: readonly Recipient[], these: readonly Recipient[]): boolean {
  const [only, ...others] = recipients;
  return only !== undefined && others.length === 0 && these.includes(only);
}

/** It was on disk, in the queue or where it was delivered, when its sender was told. */
function acceptedFlaws({ id, acceptedAt }: Message, steps: readonly Step[]): string[] {
  if (acceptedAt === undefined) return [];
  const named = numberOf(steps, id);
  if (named !== undefined) {
    const flaw = acceptanceFlaw(steps, named.number, acceptedAt, named.since);
    return flaw === undefined ? [] : [`${id}: ${flaw}`];
  }
  const writers = steps.filter((s) => s.data.includes(`Message-ID: <${id}>`));
  return writers.flatMap(({ pid }) =>
    storedFlaws(
      steps.filter((s) => s.pid === pid && s.number < acceptedAt),
      acceptedAt,
    ),
  );
}

/** The kernel function that a process waits in. */
function whereIs(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/wchan`, 'latin1');
  } catch {
    return 'nothing';
  }
}
