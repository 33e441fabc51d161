// Random commands of several clients at once against a simple model, while mail is delivered, removed and flagged behind
// their backs, connections are cut and servers killed: what each client was told is always what is there.
// MODEL_STEPS for longer runs, SEED for others: lib/seed.ts.

import { chownSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { generator, pick } from './lib/fault-shim/fault-plan.ts';
import { type ImapHost, startImapHost } from './lib/imap/host.ts';
import { MailboxModel } from './lib/imap/model.ts';
import {
  append,
  copy,
  expunge,
  fetch,
  leave,
  search,
  status,
  store,
} from './lib/imap/model-commands.ts';
import { drawInFlight, settle } from './lib/imap/model-crash.ts';
import { type Connection, type Manner, ModelSession, messageOf } from './lib/imap/model-session.ts';
import { Replica } from './lib/imap/replica.ts';
import { isRoot } from './lib/run.ts';
import { SEED } from './lib/seed.ts';

const STEPS = Number(process.env.MODEL_STEPS ?? 800);

let host: ImapHost | undefined;

afterEach(async () => {
  await host?.remove();
  host = undefined;
});

test(`clients know what is there, whatever happens (seed ${SEED})`, async () => {
  host = await startImapHost();
  const world = new World(host, generator(SEED));
  const done: string[] = [];
  try {
    for (let step = 0; step < STEPS; step++) done.push(await world.step(step));
    await world.agree();
  } catch (error) {
    throw new Error(
      `seed ${SEED}, step ${done.length}: ${(error as Error).message}\n${done.slice(-15).join('\n')}\n${host.log().slice(-2000)}`,
      { cause: error },
    );
  }
  expect(done).toHaveLength(STEPS);
});

/** Letters of Maildir flags that other programs set. */
const LETTERS: Readonly<Record<string, string>> = {
  S: '\\Seen',
  F: '\\Flagged',
  T: '\\Deleted',
  R: '\\Answered',
  D: '\\Draft',
};

class World {
  readonly #host: ImapHost;
  readonly #random: () => number;
  readonly #mailboxes: readonly { readonly model: MailboxModel; readonly dir: string }[];
  readonly #sessions: readonly ModelSession[];
  #ids = 0;

  constructor(running: ImapHost, random: () => number) {
    this.#host = running;
    this.#random = random;
    const maildir = running.maildir('ann');
    this.#mailboxes = [
      { model: new MailboxModel('INBOX'), dir: maildir },
      { model: new MailboxModel('Other'), dir: join(maildir, '.Other') },
    ];
    const session = (manner: Manner, connect: (replica: Replica) => Promise<Connection>) => {
      const replica = new Replica();
      const models = this.#mailboxes.map(({ model }) => model);
      return new ModelSession(manner, random, models, replica, () => connect(replica));
    };
    const resident = (replica: Replica) =>
      running.open('ann', (response) => replica.heard(response));
    const oneShot = (replica: Replica) =>
      running.pipe('ann', (response) => replica.heard(response));
    this.#sessions = [
      session('plain', resident),
      session('condstore', resident),
      session('qresync', resident),
      session('qresync', oneShot),
    ];
  }

  /** One step; what it was. */
  async step(number: number): Promise<string> {
    if (number === 0) await this.#host.command('ann', 'CREATE Other');
    if (number % 50 === 49) {
      await this.agree();
      return 'all agree';
    }
    if (this.#random() < 0.2) return this.#behindTheirBacks();
    if (this.#random() < 0.012) return await this.#crash();
    const index = Math.floor(this.#random() * this.#sessions.length);
    const session = this.#sessions[index] as ModelSession;
    await session.ready();
    const [name, act] = this.#choose(session);
    await act();
    return `session ${index} (${session.manner}): ${name}`;
  }

  /** A server is killed while a session's command is under way. */
  async #crash(): Promise<string> {
    const index = Math.floor(this.#random() * this.#sessions.length);
    const session = this.#sessions[index] as ModelSession;
    await session.ready();
    await session.noop();
    const inFlight = drawInFlight(session, this.#nextId());
    if (inFlight === undefined) return 'nothing to be killed in';
    const answer = inFlight.begin(session.client).catch(() => undefined);
    await sleep(this.#random() ** 3 * 20);
    if (index === this.#sessions.length - 1) await session.kill();
    else await this.#host.killWorker();
    const status = (await answer)?.status;
    const { client, kill } = await this.#host.open('ann');
    try {
      await settle(
        this.#mailboxes.map(({ model }) => model),
        client,
        inFlight,
        status === 'OK',
      );
    } catch (error) {
      throw new Error(`killed in ${inFlight.name}, told ${status}: ${(error as Error).message}`);
    } finally {
      await kill();
    }
    session.forgetConnection();
    return `session ${index} was killed in ${inFlight.name}, told ${status}`;
  }

  async agree(): Promise<void> {
    // Twice: the first one to look takes new mail out of new/.
    for (const session of this.#sessions) await session.ready();
    for (const session of this.#sessions) await session.noop();
    for (const session of this.#sessions) await session.agree();
  }

  #choose(session: ModelSession): readonly [string, () => Promise<void>] {
    const acts: readonly (readonly [number, string, () => Promise<void>])[] = [
      [10, 'noop', () => session.noop()],
      [20, 'store', () => store(session)],
      [12, 'fetch', () => fetch(session)],
      [8, 'search', () => search(session)],
      [12, 'append', () => append(session, this.#nextId())],
      [10, 'copy or move', () => copy(session)],
      [8, 'expunge', () => expunge(session)],
      [6, 'select', () => session.select()],
      [4, 'leave', () => leave(session)],
      [4, 'status', () => status(session)],
      [3, 'kill', () => session.kill()],
    ];
    let at = this.#random() * acts.reduce((sum, [weight]) => sum + weight, 0);
    const act = acts.find(([weight]) => {
      at -= weight;
      return at < 0;
    }) as (typeof acts)[number];
    return [act[1], act[2]];
  }

  #behindTheirBacks(): string {
    const { model, dir } = pick(this.#mailboxes, this.#random);
    const kind = pick(['deliver', 'deliver', 'remove', 'flag', 'forget'], this.#random);
    if (kind === 'forget') return this.#loseCache();
    if (kind === 'deliver') {
      const id = this.#nextId();
      const name = `${1_700_000_000 + this.#ids}.P1.test`;
      const path = join(dir, 'tmp', name);
      writeFileSync(path, messageOf(id).replaceAll('\r\n', '\n'));
      if (isRoot) chownSync(path, this.#host.uid, this.#host.uid);
      renameSync(path, join(dir, 'new', name));
      model.add(id, []);
      return `${model.name}: ${id} delivered`;
    }
    const names = readdirSync(join(dir, 'cur'));
    if (names.length === 0) return 'nothing to change';
    const name = pick(names, this.#random);
    const path = join(dir, 'cur', name);
    const truth = this.#truthOf(model, path, name);
    if (truth === undefined) return 'unknown file';
    if (kind === 'remove') {
      rmSync(path);
      model.remove(truth);
      return `${model.name}: UID ${truth.uid} removed`;
    }
    const letter = pick(Object.keys(LETTERS), this.#random);
    const [base, info = ''] = name.split(':2,');
    const letters = new Set(info);
    const had = letters.delete(letter);
    if (!had) letters.add(letter);
    renameSync(path, join(dir, 'cur', `${base}:2,${[...letters].sort().join('')}`));
    if (had) truth.flags.delete(LETTERS[letter] as string);
    else truth.flags.add(LETTERS[letter] as string);
    return `${model.name}: UID ${truth.uid} flagged ${letters.size}`;
  }

  /** The message of a file: by its id, and where copies have the same, by the UID the server wrote down. */
  #truthOf(model: MailboxModel, path: string, name: string) {
    const id = /^X-ID: (\S+)$/m.exec(readFileSync(path, 'latin1'))?.[1];
    const same = model.alive.filter((truth) => truth.id === id);
    if (same.length === 1) return same[0];
    const base = name.split(':2,')[0] as string;
    const list = readFileSync(join(path, '../../courierimapuiddb'), 'latin1').split('\n');
    const line = list.find((one) => one.slice(one.indexOf(' ') + 1) === base);
    return same.find(({ uid }) => uid === Number(line?.split(' ')[0]));
  }

  /** The cache may be deleted at any time. */
  #loseCache(): string {
    if (this.#random() < 0.8) return 'nothing lost';
    for (const name of readdirSync(this.#host.maildir('ann')))
      if (name.includes('cache'))
        rmSync(join(this.#host.maildir('ann'), name), { recursive: true, force: true });
    return 'the cache was deleted';
  }

  #nextId(): string {
    return `m${++this.#ids}`;
  }
}
