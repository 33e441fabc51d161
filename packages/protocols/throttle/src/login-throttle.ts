// Slows down who guesses passwords, by address and by account, without locking anybody out.
//
//   before a login is judged       an address with failures behind it takes turns with itself, ever more slowly,
//                                  over all its connections; an account under attack makes strangers wait a little;
//                                  an address the account's user has come from before does not wait at all
//   after a wrong password         the answer waits: 1 s, 2 s, 4 s ... 15 s, by address
//
// The turn comes before the password is looked at, so that hanging up on a slow answer gains nothing.

import { setTimeout as pause } from 'node:timers/promises';
import { networkOf } from '@q/session';
import {
  ACCOUNT_FREE,
  ACCOUNT_WAIT,
  ADDRESS_FREE,
  ADDRESS_STEP,
  ADDRESS_STEP_MAX,
  ANSWER_FIRST,
  ANSWER_MAX,
  FAILURES_MAX,
  KNOWN_MAX,
  KNOWN_MEMORY,
  MEMORY,
  PENDING_PER_FAILURE,
  TURN_MAX,
} from './limits.ts';
import { Recent } from './recent.ts';

interface Address {
  readonly failures: number;
  /** Milliseconds of the clock: no turn before. */
  readonly nextTurn: number;
}

/** A login whose turn it is. One of both is called as soon as somebody can tell. */
interface Turn {
  succeeded(): void;
  /** How many milliseconds after its judgement began the answer is due. */
  failed(): number;
}

/** One login under way. `undecided` is to be called at its end; before that at most one of the others. */
interface Attempt extends Turn {
  /** Milliseconds to wait before the password is looked at; undefined: too many, come back later. */
  readonly wait: number | undefined;
  /** Nobody could tell, or nobody was asked; nothing when it is decided. */
  undecided(): void;
}

/** One for all logins of a service. Addresses are IPv4 addresses and IPv6 networks. */
export class LoginThrottle {
  readonly #now: () => number;
  readonly #addresses = new Recent<Address>(FAILURES_MAX, MEMORY);
  readonly #accounts = new Recent<number>(FAILURES_MAX, MEMORY);
  readonly #known = new Recent<true>(KNOWN_MAX, KNOWN_MEMORY);
  /** Bounded by the number of connections. */
  readonly #pending = new Map<string, number>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Waits for the turn of a login and has it judged; resolves to what `judge` says, or to 'too many' when there are too many
   * turns before it. `ip` and `account` are as for begin().
   */
  async inTurn<T>(
    ip: string | undefined,
    account: string,
    judge: (turn: Turn) => Promise<T>,
  ): Promise<T | 'too many'> {
    const attempt = this.begin(ip, account);
    try {
      if (attempt.wait === undefined) return 'too many';
      await pause(attempt.wait);
      return await judge(attempt);
    } finally {
      attempt.undecided();
    }
  }

  /**
   * `ip`: undefined where nobody knows it, as behind a unix socket: strangers would otherwise take turns with each
   * other. Then only the account counts. `account`: the login name, in whatever case.
   */
  begin(ip: string | undefined, account: string): Attempt {
    const name = account.toLowerCase();
    return ip === undefined ? this.#beginUnplaced(name) : this.#beginFrom(networkOf(ip), name);
  }

  #beginUnplaced(name: string): Attempt {
    const nothing = () => {};
    return {
      wait: this.#isAttacked(name, this.#now()) ? ACCOUNT_WAIT : 0,
      undecided: nothing,
      succeeded: nothing,
      failed: () => {
        this.#countAgainst(name, this.#now());
        return ANSWER_FIRST;
      },
    };
  }

  #beginFrom(network: string, name: string): Attempt {
    const wait = this.#waitOf(network, name);
    this.#pending.set(network, (this.#pending.get(network) ?? 0) + 1);
    let open = true;
    const end = () => {
      if (!open) return;
      open = false;
      const left = (this.#pending.get(network) ?? 1) - 1;
      if (left > 0) this.#pending.set(network, left);
      else this.#pending.delete(network);
    };
    return {
      wait,
      undecided: end,
      succeeded: () => {
        end();
        this.#known.set(pair(name, network), true, this.#now());
      },
      failed: () => {
        end();
        return this.#failed(network, name);
      },
    };
  }

  #waitOf(network: string, name: string): number | undefined {
    const now = this.#now();
    if (this.#known.get(pair(name, network), now)) return 0;
    const turn = this.#turnOf(network, now);
    if (turn === undefined || turn > TURN_MAX) return undefined;
    return this.#isAttacked(name, now) ? Math.max(turn, ACCOUNT_WAIT) : turn;
  }

  #isAttacked(name: string, now: number): boolean {
    return (this.#accounts.get(name, now) ?? 0) >= ACCOUNT_FREE;
  }

  #countAgainst(name: string, now: number): void {
    this.#accounts.set(name, (this.#accounts.get(name, now) ?? 0) + 1, now);
  }

  /** Takes the next turn of an address, unless it is too far away. */
  #turnOf(network: string, now: number): number | undefined {
    const before = this.#addresses.get(network, now) ?? { failures: 0, nextTurn: 0 };
    const pending = Math.floor((this.#pending.get(network) ?? 0) / PENDING_PER_FAILURE);
    const guilt = before.failures + pending - ADDRESS_FREE;
    if (guilt < 0) return 0;
    const turn = Math.max(now, before.nextTurn);
    if (turn - now > TURN_MAX) return undefined;
    const step = Math.min(ADDRESS_STEP_MAX, ADDRESS_STEP * 2 ** Math.min(guilt, 10));
    this.#addresses.set(network, { ...before, nextTurn: turn + step }, now);
    return turn - now;
  }

  #failed(network: string, name: string): number {
    const now = this.#now();
    const before = this.#addresses.get(network, now) ?? { failures: 0, nextTurn: 0 };
    const failures = before.failures + 1;
    this.#addresses.set(network, { ...before, failures }, now);
    this.#countAgainst(name, now);
    return Math.min(ANSWER_MAX, ANSWER_FIRST * 2 ** Math.min(failures - 1, 10));
  }
}

/** An address holds no space. */
function pair(name: string, network: string): string {
  return `${network} ${name}`;
}
