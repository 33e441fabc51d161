// What the journal must show: whoever was told that a message is safe was told after it was. Each check gives a
// sentence for what is wrong, or nothing.

import type { Step } from './fault-orders.ts';

/**
 * Message and envelope, their names and the entry in todo were synced before `at`, which is when it was said. Of the
 * messages that have had this number one after the other it is the first to come into todo after `since`, or the last.
 */
export function acceptanceFlaw(
  steps: readonly Step[],
  number: string,
  at: number,
  since?: number,
): string | undefined {
  const intoTodo = steps.filter(
    (s) => s.call === 'link' && s.number < at && s.other.endsWith(`/queue/todo/${number}`),
  );
  const linked =
    since === undefined ? intoTodo.at(-1) : intoTodo.find(({ number: n }) => n > since);
  if (linked === undefined) return `message ${number} was accepted without an entry in todo`;
  const own = steps.filter((s) => s.pid === linked.pid);
  const named = last(
    own,
    linked.number,
    (s) => s.call === 'link' && new RegExp(`/queue/mess/\\d+/${number}$`).test(s.other),
  );
  if (named === undefined) return `message ${number} has no name in mess`;
  const message = `${named.path} (deleted)`; // the name that it was opened by is gone by then
  const directory = directoryOf(named.other);
  const todo = directoryOf(linked.other);
  const flaws = [
    isSynced(own, message, lastWrite(own, message, linked.number), linked.number) || 'the message',
    isSynced(own, directory, named.ended, linked.number) || 'its name in mess',
    isSynced(own, linked.path, lastWrite(own, linked.path, linked.number), linked.number) ||
      'the envelope',
    isSynced(own, todo, linked.ended, at) || 'its name in todo',
  ].filter((flaw) => flaw !== true);
  if (flaws.length === 0) return undefined;
  return `message ${number} was accepted before ${flaws.join(' and ')} was on disk`;
}

/** The number of the message with these first bytes, and when it got that; undefined where it never did. */
export function numberOf(
  steps: readonly Step[],
  messageId: string,
): { readonly number: string; readonly since: number } | undefined {
  const line = `Message-ID: <${messageId}>`;
  const written = steps.find(
    (s) => s.call === 'write' && s.path.includes('/queue/pid/') && s.data.includes(line),
  );
  if (written === undefined) return undefined;
  const name = written.path.replace(/ \(deleted\)$/, '');
  const named = steps.find((s) => s.call === 'link' && s.path === name && s.pid === written.pid);
  const number = named?.other.split('/').at(-1);
  return named === undefined || number === undefined ? undefined : { number, since: named.number };
}

/** Every "queued" that the queue server said to a client. */
export function answerFlaws(steps: readonly Step[]): string[] {
  return steps
    .filter((s) => s.role === 'qmail-queue+listen' && s.call === 'write' && isSocket(s))
    .flatMap((step) =>
      [...step.data.matchAll(/\d+:0 (\d+) \d+,/g)].map(([, number = '']) =>
        acceptanceFlaw(steps, number, step.number),
      ),
    )
    .filter((flaw) => flaw !== undefined);
}

/**
 * Every "delivered" that a worker said. It may have several deliveries under way at a time, so they are counted:
 * never are there more of them than files that were on disk by then. And no file is linked before it is.
 */
export function deliveryFlaws(steps: readonly Step[]): string[] {
  const flaws: string[] = [];
  const workers = steps.filter((s) => /^(qmail-local|vdeliver)\+worker$/.test(s.role));
  for (const pid of new Set(workers.map((s) => s.pid))) {
    const own = workers.filter((s) => s.pid === pid);
    flaws.push(...own.filter((s) => isDelivery(s) && !wasSynced(own, s)).map(linkedTooEarly));
    let told = 0;
    for (const step of own) {
      const said = deliveriesTold(step);
      if (said === 0) continue;
      told += said;
      const stored = own.filter((s) => isStored(own, s, step.number)).length;
      if (told > stored)
        flaws.push(`${step.role} ${pid} told of ${told} deliveries when ${stored} were on disk`);
    }
  }
  return flaws;
}

/** How many files were delivered to, as this write says: qmail-local in words, vdeliver by the exit code 0. */
function deliveriesTold({ role, call, path, data, fd, result }: Step): number {
  // One that failed has told nobody, and is made again after EINTR.
  if (call !== 'write' || result < 0 || path.startsWith('/')) return 0;
  if (role.startsWith('qmail-local'))
    return [...data.matchAll(/did (\d+)\+/g)].reduce((sum, [, n]) => sum + Number(n), 0);
  if (fd !== 3 || data.length < ANSWER_HEAD) return 0;
  return data.charCodeAt(0) === 0 && (data.charCodeAt(1) & NOTHING_DONE) === 0 ? 1 : 0;
}

/** An answer of a worker: its code, flags and length come first (@q/warm). */
const ANSWER_HEAD = 4;
const NOTHING_DONE = 2;

/** A step that has put a message on disk, name and all, by `at`. */
function isStored(own: readonly Step[], step: Step, at: number): boolean {
  if (step.path.endsWith('.mbox'))
    return step.call === 'fsync' && step.result === 0 && step.ended <= at;
  return isDelivery(step) && isSynced(own, directoryOf(step.other), step.ended, at);
}

/** The link that makes a message in a maildir's tmp one in its new. */
function isDelivery({ call, result, path }: Step): boolean {
  return call === 'link' && result === 0 && path.includes('/tmp/');
}

function wasSynced(own: readonly Step[], linked: Step): boolean {
  return isSynced(own, linked.path, lastWrite(own, linked.path, linked.number), linked.number);
}

function linkedTooEarly({ other }: Step): string {
  return `${other} was linked before it was on disk`;
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Of a process's only delivery, reported at `at`: its file is synced and then linked, its directory synced then. */
export function storedFlaws(own: readonly Step[], at: number): string[] {
  const flaws: string[] = [];
  for (const linked of own.filter(isDelivery)) {
    if (!wasSynced(own, linked)) flaws.push(linkedTooEarly(linked));
    if (!isSynced(own, directoryOf(linked.other), linked.ended, at))
      flaws.push(`${linked.other} was reported before its name was on disk`);
  }
  for (const path of new Set(own.filter((s) => s.path.endsWith('.mbox')).map((s) => s.path))) {
    if (!own.some((s) => s.call === 'write' && s.path === path)) continue;
    if (!isSynced(own, path, lastWrite(own, path, at), at))
      flaws.push(`${path} was reported before it was on disk`);
  }
  return flaws;
}

/** Where a message left todo for info and the channel files, these and their names were synced before. */
export function takeoverFlaws(steps: readonly Step[]): string[] {
  const flaws: string[] = [];
  for (const step of steps) {
    if (step.role !== 'qmail-clean' || step.call !== 'unlink' || step.result !== 0) continue;
    const number = /\/queue\/todo\/(\d+)$/.exec(step.path)?.[1];
    if (number === undefined) continue;
    const arrived = last(steps, step.number, (s) => s.call === 'link' && s.other === step.path);
    const made = steps.filter(
      (s) =>
        s.role === 'qmail-send' &&
        s.call === 'open' &&
        (s.fd & 0o100) !== 0 &&
        s.result >= 0 &&
        s.number > (arrived?.number ?? 0) &&
        s.number < step.number &&
        new RegExp(`/queue/(info|local|remote)/\\d+/${number}$`).test(s.path),
    );
    for (const path of new Set(made.map((s) => s.path))) {
      const file = last(made, step.number, (s) => s.path === path) as Step;
      const directory = directoryOf(path);
      const written = lastWrite(steps, path, step.number);
      // Which qmail-clean was asked by which qmail-send: one may have outlived its own.
      const removed = `todo/${number} was removed by ${step.pid} (at ${step.number}) before`;
      const fresh = `${path}, made by ${file.pid} (at ${file.number}), was on disk`;
      if (!isSynced(steps, path, Math.max(written, file.ended), step.number))
        flaws.push(`${removed} ${fresh}`);
      if (!isSynced(steps, directory, file.ended, step.number))
        flaws.push(`${removed} the name ${fresh}`);
    }
  }
  return flaws;
}

/** A successful fsync of `path` that began after `from` and was over before `to`. */
function isSynced(steps: readonly Step[], path: string, from: number, to: number): boolean {
  return steps.some(
    (s) =>
      s.call === 'fsync' && s.path === path && s.result === 0 && s.number >= from && s.ended <= to,
  );
}

/** When the last write to `path` before `at` was over; 0 without one. */
function lastWrite(steps: readonly Step[], path: string, at: number): number {
  return last(steps, at, (s) => s.call === 'write' && s.path === path)?.ended ?? 0;
}

function last(
  steps: readonly Step[],
  before: number,
  condition: (step: Step) => boolean,
): Step | undefined {
  return steps.findLast((s) => s.number < before && condition(s));
}

function isSocket(step: Step): boolean {
  return step.path.startsWith('socket:');
}
