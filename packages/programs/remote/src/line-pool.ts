// Connections that have carried a message and may carry another: few, and for seconds.

import { bindAddressTowards } from './bind-route.ts';
import { IDLE_LINES_MAX, IDLE_MS, LINE_AGE_MS, LINE_MESSAGES_MAX } from './limits.ts';
import type { Line } from './line.ts';
import type { Plan } from './plan.ts';

/** A line and what it has been through. */
export interface UsedLine {
  readonly line: Line;
  /** performance.now() when it was opened. */
  readonly opened: number;
  messages: number;
  /** A transaction was begun and not ended. */
  needsReset: boolean;
}

interface Idle {
  readonly used: UsedLine;
  readonly stopWatching: () => void;
  readonly timer: NodeJS.Timeout;
}

export class LinePool {
  /** By where they lead; the longest idle first. */
  readonly #idle = new Map<string, Idle[]>();
  readonly #idleMs: number;
  #count = 0;
  #closed = false;

  constructor(idleMs = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /** One that leads where the plan would: to its best server of those that have one. */
  take(plan: Plan): UsedLine | undefined {
    for (const { address } of plan.candidates) {
      const idle = this.#idle.get(lineKey(plan, address))?.at(-1);
      if (idle === undefined) continue;
      this.#remove(lineKey(plan, address), idle);
      return idle.used;
    }
    return undefined;
  }

  /** Keeps a line on which the server behaved; ends it if it has served its time. */
  give(plan: Plan, used: UsedLine): void {
    const { line, opened, messages } = used;
    const worn = messages >= LINE_MESSAGES_MAX || performance.now() - opened >= LINE_AGE_MS;
    if (worn || this.#closed) {
      void line.quit();
      return;
    }
    const key = lineKey(plan, line.address);
    const stopWatching = line.watch(() => this.#drop(key, idle));
    if (stopWatching === undefined) {
      line.close(); // it has spoken or gone already
      return;
    }
    const timer = setTimeout(() => this.#retire(key, idle), this.#idleMs);
    const idle: Idle = { used, stopWatching, timer };
    const list = this.#idle.get(key);
    if (list === undefined) this.#idle.set(key, [idle]);
    else list.push(idle);
    if (++this.#count > IDLE_LINES_MAX) this.#retireOldest();
  }

  /** Ends all that are idle, and those still to come as they come. */
  close(): void {
    this.#closed = true;
    for (const [key, list] of [...this.#idle])
      for (const idle of [...list]) this.#retire(key, idle);
  }

  #retireOldest(): void {
    const [first] = this.#idle;
    const oldest = first?.[1][0];
    if (first !== undefined && oldest !== undefined) this.#retire(first[0], oldest);
  }

  #retire(key: string, idle: Idle): void {
    this.#remove(key, idle);
    void idle.used.line.quit();
  }

  /** The server hung up, or said something nobody asked for: that it is leaving. */
  #drop(key: string, idle: Idle): void {
    this.#remove(key, idle);
    idle.used.line.close();
  }

  #remove(key: string, idle: Idle): void {
    clearTimeout(idle.timer);
    idle.stopWatching();
    const rest = (this.#idle.get(key) ?? []).filter((one) => one !== idle);
    if (rest.length === 0) this.#idle.delete(key);
    else this.#idle.set(key, rest);
    this.#count--;
  }
}

/** Everything that makes two lines different for a server. */
function lineKey({ route, bind, settings }: Plan, address: string): string {
  const from = bindAddressTowards(address, bind) ?? '';
  return [route.protocol, address, route.port, from, settings.helo].join(' ');
}
