// What a process of a service does once it has become quiet: it gives back the memory that its work took. V8 keeps what a burst
// needed (a young generation of up to 32 MB, and garbage until there is much more of it), and so does malloc; neither looks again
// in a process that does nothing. Connections that idle for hours are most of what a mail service has.
//
//   resting ── stir() ──► working ── QUIET without stir() ──► quiet ── FORGOTTEN without stir() ──► resting
//                            ▲          collects                │         collects                    │
//                            └───────────── stir() ─────────────┴─────────────────────────────────────┘
//
// Both times only when the process has grown since it last collected: a client that asks something every few seconds costs no
// collection each time.

import { trimHeap } from '@q/posix';
import { FORGOTTEN, GROWN_MIN, GROWN_SHARE, QUIET } from './limits.ts';

/** For tests: what is otherwise the process's own. */
export interface RestPlaces {
  /** Bytes that the process takes. */
  size(): number;
  /** Gives back what it can. */
  collect(): Promise<void>;
}

export class Rest {
  readonly #places: RestPlaces;
  #state: 'resting' | 'working' | 'quiet' = 'resting';
  #stirred = false;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes, when it last collected. */
  #size = 0;
  /** It had grown when it became quiet: what is forgotten later is worth another look. */
  #worth = false;

  constructor(places: RestPlaces) {
    this.#places = places;
  }

  /** There was work. Costs next to nothing: to be called at each piece. */
  stir(): void {
    this.#stirred = true;
    if (this.#state !== 'working') this.#enter('working', QUIET);
  }

  #enter(state: 'working' | 'quiet', milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#state = state;
    this.#stirred = false;
    this.#timer = setTimeout(() => void this.#look(), milliseconds).unref();
  }

  async #look(): Promise<void> {
    if (this.#stirred) {
      this.#enter('working', QUIET);
      return;
    }
    const first = this.#state === 'working';
    if (first) this.#worth = this.#grown();
    if (first) this.#enter('quiet', FORGOTTEN);
    else this.#state = 'resting';
    if (!this.#worth) return;
    await this.#places.collect();
    this.#size = this.#places.size();
  }

  #grown(): boolean {
    return this.#places.size() > this.#size + Math.max(GROWN_MIN, this.#size * GROWN_SHARE);
  }
}

const own = new Rest({ size: () => process.memoryUsage.rss(), collect });

/** There was work in this process. */
export function stir(): void {
  own.stir();
}

/**
 * The collection that V8 makes when memory is short: everything, and the young generation shrinks to its first size. Node has no
 * other way to ask for it. It stops the process for some ms for each 10 MB that are alive.
 */
async function collect(): Promise<void> {
  try {
    const { Session } = await import('node:inspector');
    const session = new Session();
    session.connect();
    await new Promise((resolve) => session.post('HeapProfiler.collectGarbage', resolve));
    session.disconnect();
    trimHeap();
  } catch {
    // A Node without inspector, another C library: then it stays as it is.
  }
}
