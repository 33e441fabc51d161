// Remote deliveries inside one process. qmail-rspawn(8).
//
//   delivery ─► plan (control files, DNS) ─► batch (joins others) ─► share ─► line (idle or new) ─► reports
//
// Whatever happens, each delivery gets its one report, and it is the one that a qmail-remote of its own
// would have caused. Nothing is tried again once the end of a message may have reached a server.

import { fstatSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isFault } from '@q/fault';
import type { Delivery } from '@q/spawn';
import { type Batch, batchKey, destinationOf, type Member, newBatch } from './batch.ts';
import type { CandidateSource } from './candidates.ts';
import { isDueToCompany, isStale, limitShownBy, reportAt, reportOf } from './company.ts';
import { checkAddress } from './envelope.ts';
import { GATHER_MS, JOIN_MS } from './limits.ts';
import { hangUp } from './line.ts';
import { LinePool, type UsedLine } from './line-pool.ts';
import { type Outgoing, openSendable } from './outgoing.ts';
import { type Plan, planFor } from './plan.ts';
import { reachServer } from './reach.ts';
import type { Settings } from './settings.ts';
import { Shares } from './shares.ts';
import { SmallBatches } from './small-batches.ts';
import type { Timeouts } from './tcpto.ts';
import { faultReport, type Verdict } from './verdict.ts';
import { within } from './within.ts';

export interface ResidentOptions {
  readonly settings: () => Settings;
  readonly source: CandidateSource;
  readonly timeouts: Timeouts;
  /** The number of deliveries that qmail-send starts at most. */
  readonly slots: number;
  /** Hears of errors that nobody foresaw. */
  readonly alert: (error: unknown) => void;
  readonly pool?: LinePool;
}

export class Resident {
  readonly #options: ResidentOptions;
  readonly #pool: LinePool;
  readonly #shares: Shares;
  readonly #small = new SmallBatches();
  /** Batches that take more recipients, by their keys. */
  readonly #open = new Map<string, Batch>();
  /** Ends of the transactions under way, by the keys of their batches. */
  readonly #running = new Map<string, Promise<void>>();
  #deliveries = 0;

  constructor(options: ResidentOptions) {
    this.#options = options;
    this.#pool = options.pool ?? new LinePool();
    const { slots } = options;
    this.#shares = new Shares({ slots, crowded: () => this.#deliveries >= slots });
  }

  /** Tries one delivery to `domain`; resolves to its report. Never rejects. */
  async deliver({ sender, recipient, messageFd }: Delivery, domain: string): Promise<string> {
    this.#deliveries++;
    try {
      const settings = this.#options.settings();
      checkAddress(sender);
      checkAddress(recipient);
      const plan = await planFor(domain, settings, this.#options.source);
      const { dev, ino } = fstatSync(messageFd, { bigint: true });
      const key = batchKey(`${dev}:${ino}`, sender, plan);
      return await new Promise((report) =>
        this.#join(key, sender, plan, { recipient, messageFd, report }),
      );
    } catch (error) {
      return this.#failure(error);
    } finally {
      this.#deliveries--;
    }
  }

  /** Ends the idle connections. */
  close(): void {
    this.#pool.close();
  }

  #join(key: string, sender: string, plan: Plan, member: Member): void {
    const most = this.#small.most(destinationOf(plan), plan.settings.recipientsMax);
    const open = this.#open.get(key);
    if (open !== undefined) {
      open.members.push(member);
      if (open.members.length < most) return;
      this.#open.delete(key);
      open.fill();
      return;
    }
    const batch = newBatch(most > 1 ? key : undefined, sender, plan);
    batch.members.push(member);
    if (batch.key !== undefined) this.#open.set(batch.key, batch);
    void this.#run(batch);
  }

  async #run(batch: Batch): Promise<void> {
    const destination = destinationOf(batch.plan);
    // What goes to one relay for all has nobody to share with.
    const shares = batch.plan.route.forAll ? undefined : this.#shares;
    let again: readonly Member[] = [];
    try {
      await this.#gather(batch);
      await shares?.enter(destination);
      try {
        again = await this.#transfer(batch, destination);
      } finally {
        shares?.leave(destination);
      }
    } catch (error) {
      this.#freeze(batch);
      const report = this.#failure(error);
      for (const member of batch.members) member.report(report);
    }
    for (const member of again) {
      const alone = newBatch(undefined, batch.sender, batch.plan);
      alone.members.push(member);
      void this.#run(alone);
    }
  }

  /** Waits for others to join, while the message's last transaction to the same place goes on. */
  async #gather({ key, full, members }: Batch): Promise<void> {
    if (key === undefined) return;
    const until = performance.now() + GATHER_MS;
    let joined: number;
    do {
      joined = members.length;
      await nextTurn();
    } while (members.length > joined && performance.now() < until);
    const running = this.#running.get(key);
    if (running !== undefined) await within(JOIN_MS, running, full);
  }

  /** From now on nobody joins. */
  #freeze(batch: Batch): void {
    const { key } = batch;
    if (key !== undefined && this.#open.get(key) === batch) this.#open.delete(key);
  }

  /** Sends a batch and reports; resolves to the members that are to be tried alone. */
  async #transfer(batch: Batch, destination: string): Promise<readonly Member[]> {
    const { plan, key, members } = batch;
    const first = members[0] as Member;
    const content = await openSendable(first.messageFd, plan.route);
    const idle = await this.#takeIdle(plan);
    const used = idle ?? (await this.#openLine(plan));
    this.#freeze(batch);
    let ended = () => {};
    const running = new Promise<void>((resolve) => {
      ended = resolve;
    });
    if (key !== undefined) this.#running.set(key, running);
    try {
      let sent = { used, verdict: await this.#send(used, batch, content) };
      if (idle !== undefined && isStale(sent.verdict)) {
        idle.line.close();
        const fresh = await this.#openLine(plan);
        sent = { used: fresh, verdict: await this.#send(fresh, batch, content) };
      }
      const again = settle(members, sent.verdict, sent.used.line.address);
      if (members.length > 1) this.#small.learn(destination, limitShownBy(sent.verdict));
      this.#dismiss(plan, sent.used, sent.verdict);
      return again;
    } finally {
      if (key !== undefined && this.#running.get(key) === running) this.#running.delete(key);
      ended();
    }
  }

  async #send({ line }: UsedLine, { sender, members }: Batch, content: Outgoing): Promise<Verdict> {
    const recipients = members.map(({ recipient }) => recipient);
    try {
      return await line.send({ sender, recipients, content });
    } catch (error) {
      line.close();
      throw error;
    }
  }

  async #takeIdle(plan: Plan): Promise<UsedLine | undefined> {
    const used = this.#pool.take(plan);
    if (used === undefined || !used.needsReset || (await used.line.reset())) return used;
    used.line.close();
    return undefined;
  }

  async #openLine(plan: Plan): Promise<UsedLine> {
    const line = await reachServer(plan, this.#options.timeouts);
    return { line, opened: performance.now(), messages: 0, needsReset: false };
  }

  #dismiss(plan: Plan, used: UsedLine, verdict: Verdict): void {
    if (verdict.connection === 'over') {
      void hangUp(used.line, verdict);
      return;
    }
    used.messages++;
    used.needsReset = verdict.connection === 'reset';
    this.#pool.give(plan, used);
  }

  /** What nobody foresaw is what a crash of qmail-remote would have been: its own delivery's trouble. */
  #failure(error: unknown): string {
    if (isFault(error)) return reportOf(faultReport(error));
    this.#options.alert(error);
    return 'Zqmail-remote crashed.\n';
  }
}

/** Reports to the members for whom the verdict is final; returns the others. */
function settle(members: readonly Member[], verdict: Verdict, address: string): Member[] {
  const alone = members.length === 1;
  return members.filter((member, at) => {
    if (!alone && isDueToCompany(verdict, at)) return true;
    member.report(reportAt(verdict, at, address));
    return false;
  });
}
