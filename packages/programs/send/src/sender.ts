// qmail-send at work: the parts, one timer for all of them, signals, and the way out.

import type { Control } from '@q/control';
import { DirectorySync } from '@q/fsx';
import type { Queue } from '@q/queue-socket';
import { BounceFiles } from './bounce-file.ts';
import { Channel } from './channel.ts';
import type { CleanLink } from './clean-link.ts';
import { Collector } from './collector.ts';
import type { Context } from './context.ts';
import { readLocals, readVirtualDomains } from './controls.ts';
import type { EarlyMessage } from './early.ts';
import { Finisher } from './finisher.ts';
import { SLEEP_FUZZ, SLEEP_MAX, STOP_GRACE } from './limits.ts';
import { Loader } from './loader.ts';
import { CHANNELS, type ChannelName } from './schedule.ts';
import type { SpawnLink } from './spawn-link.ts';
import { Todo } from './todo.ts';

export interface SenderOptions {
  /** Without its two functions, which are the sender's own. */
  readonly context: Omit<Context, 'wakeAt' | 'ended' | 'stopping'>;
  readonly control: Control;
  readonly links: Readonly<Record<ChannelName, SpawnLink>>;
  /** Deliveries at a time in each channel, the spawners' limits considered. */
  readonly slots: Readonly<Record<ChannelName, number>>;
  readonly clean: CleanLink;
  readonly queue: Queue;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #context: Context;
  readonly #channels: readonly Channel[];
  readonly #finisher: Finisher;
  readonly #loader: Loader;
  readonly #todo: Todo;
  readonly #collector: Collector;
  #deliveries = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #ticking: NodeJS.Immediate | undefined;
  #finish: (() => void) | undefined;
  #hurried = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#context = {
      ...options.context,
      stopping: false,
      wakeAt: (at) => this.#wakeAt(at),
      ended: () => this.#checkEnd(),
    };
    const { clean } = options;
    const directories = new DirectorySync();
    this.#finisher = new Finisher(this.#context, clean, options.queue);
    const bounces = new BounceFiles(this.#context, directories);
    this.#channels = CHANNELS.map((name) => this.#makeChannel(name, bounces));
    this.#loader = new Loader(this.#context, this.#channels, this.#finisher);
    this.#collector = new Collector(this.#context, clean);
    const tools = { context: this.#context, clean, directories };
    this.#todo = new Todo(tools, {
      queued: (id, channels, fresh) => this.#queued(id, channels, fresh),
      early: (message, fresh) => this.#early(message, fresh),
    });
  }

  /** Finds what is queued. Throws the system error when that cannot be read. */
  load(): void {
    this.#loader.load();
  }

  /** Works until stop() or a death; resolves when the schedule is written and nothing is under way. */
  async run(): Promise<void> {
    this.#logStatus();
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    for (const channel of this.#channels) {
      this.#options.links[channel.name].listen({
        report: (report) => channel.report(report),
        drained: () => channel.kick(),
        death: () => this.lost('spawn'),
      });
    }
    if (!this.#context.stopping) this.#todo.start();
    this.#tick();
    this.#checkEnd();
    await finished;
    clearTimeout(this.#timer);
    clearImmediate(this.#ticking);
    this.#todo.stop();
    this.#loader.save();
  }

  /** SIGTERM: nothing new begins; what runs is waited for. */
  stop(): void {
    if (this.#context.stopping) return;
    this.#context.stopping = true;
    this.#todo.stop();
    setTimeout(() => {
      this.#hurried = true;
      this.#checkEnd();
    }, STOP_GRACE * 1000).unref();
    this.#checkEnd();
  }

  /** SIGALRM: everything that was put off is tried now, bounces and removals included. */
  tryAllNow(): void {
    for (const part of [...this.#channels, this.#finisher, this.#todo])
      part.makeAllDue(this.#context.now());
    this.#tick();
  }

  /** SIGHUP: locals and virtualdomains, each as a whole or not at all. */
  reread(): void {
    const { control } = this.#options;
    const rules = { ...this.#context.settings.rules };
    const reread = (name: string, read: () => void) => {
      try {
        read();
      } catch {
        this.#context.log(`alert: unable to reread control/${name}`);
      }
    };
    reread('locals', () => {
      rules.locals = readLocals(control);
    });
    reread('virtualdomains', () => {
      rules.virtualDomains = readVirtualDomains(control);
    });
    this.#context.settings = { ...this.#context.settings, rules };
  }

  /** A process we cannot work without is gone. */
  lost(name: 'spawn' | 'qmail-clean' | 'qmail-queue'): void {
    this.#context.log(`alert: oh no! lost ${name} connection! dying...`);
    this.stop();
    this.#checkEnd();
  }

  #makeChannel(name: ChannelName, bounces: BounceFiles): Channel {
    return new Channel({
      name,
      context: this.#context,
      link: this.#options.links[name],
      bounces,
      slots: this.#options.slots[name],
      nextNumber: () => ++this.#deliveries,
      logStatus: () => this.#logStatus(),
      finished: (id) => this.#finisher.add(this.#context.now(), id),
      early: {
        delivered: (message) => this.#todo.delivered(message),
        preprocess: (message) => this.#todo.preprocess(message),
      },
    });
  }

  #logStatus(): void {
    const load = this.#channels
      .map(({ name, running, slots }) => `${name} ${running}/${slots}`)
      .join(' ');
    this.#context.log(`status: ${load}${this.#context.stopping ? ' exitasap' : ''}`);
  }

  #queued(id: string, channels: readonly ChannelName[], fresh: boolean): void {
    const now = this.#context.now();
    if (channels.length === 0) this.#finisher.add(now, id);
    for (const channel of this.#channels) {
      if (channels.includes(channel.name)) channel.add(now, id, fresh);
    }
  }

  #early(message: EarlyMessage, fresh: boolean): boolean {
    const channel = this.#channels.find(({ name }) => name === message.channel);
    return channel?.addEarly(this.#context.now(), message, fresh) === true;
  }

  // --- time ---

  #wakeAt(at: number): void {
    const now = this.#context.now();
    if (at <= now) {
      this.#ticking ??= setImmediate(() => this.#tick());
      return;
    }
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const delay = Math.min(at - now + SLEEP_FUZZ, SLEEP_MAX);
    this.#timer = setTimeout(() => this.#tick(), delay * 1000);
  }

  /** Gives everybody a turn and sets the timer for whoever is due next. */
  #tick(): void {
    clearImmediate(this.#ticking);
    clearTimeout(this.#timer);
    this.#ticking = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (this.#context.stopping) return;
    const parts = [this.#loader, this.#todo, ...this.#channels, this.#finisher, this.#collector];
    for (const part of parts) part.kick();
    const now = this.#context.now();
    for (const part of parts) {
      const at = part.nextAt();
      // What is due and was not begun waits for a slot or an answer, and is begun when that comes.
      if (at !== undefined && at > now) this.#wakeAt(at);
    }
  }

  // --- the end ---

  #checkEnd(): void {
    if (!this.#context.stopping || !this.#channels.every((channel) => channel.quiet)) return;
    if (!this.#hurried && !(this.#finisher.quiet && this.#todo.quiet)) return;
    this.#finish?.();
  }
}
