// A service under attack: what somebody who has logged in sends, and what comes back, while somebody else's session,
// served by the same process, goes on; and the memory it costs.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { expect } from 'vitest';
import { ImapTalk } from '../imap-talk.ts';
import { DIST } from '../instance.ts';
import { DOMAIN, type MailHost, OWNER_UID, startMailHost } from '../mail-host.ts';
import { residentOf } from '../processes.ts';
import { isRoot } from '../run.ts';

/** Kilobytes that an attack may leave in memory: a garbage collector's slack, and far less than any of them sends. */
const ROOM = 96 * 1024;

/** Three messages, by the names of their files. */
export const THREE = {
  '1600000001.a.test:2,': 'Subject: one\n\nbody\n',
  '1600000002.b.test:2,': 'Subject: two\n\nbody\n',
  '1600000003.c.test:2,': 'Subject: three\n\nbody\n',
};

/** A line of a table of attacks; `row` is that of the list of attacks. */
export interface Attack {
  readonly row: string;
  readonly what: string;
  /** A command without its tag, as it is sent but for its end. */
  readonly send: string;
  /** All that is answered. */
  readonly answer: RegExp;
}

export class AttackedHost {
  readonly host: MailHost;
  /** ann's session, from which attacks come. */
  attacker: ImapTalk;
  /** ben's: of the same owner, so that one worker serves both. */
  readonly other: ImapTalk;
  readonly #before: number;
  #oneShots: ChildProcess[] = [];

  private constructor(host: MailHost, attacker: ImapTalk, other: ImapTalk) {
    this.host = host;
    this.attacker = attacker;
    this.other = other;
    this.#before = residentOf(host.home);
  }

  static async start(words: readonly string[] = []): Promise<AttackedHost> {
    const mode = isRoot ? 'root' : 'private';
    const host = await startMailHost({ program: 'imapd', mode, words });
    return new AttackedHost(host, await logIn(host, 'ann'), await logIn(host, 'ben'));
  }

  /** Another session of the resident service. */
  logIn(user = 'ann'): Promise<ImapTalk> {
    return logIn(this.host, user);
  }

  /** A session of ann's in an imapd of its own. */
  async oneShot(env: NodeJS.ProcessEnv = {}): Promise<ImapTalk> {
    const child = spawn(`${DIST}/imapd`, [this.host.maildir('ann')], {
      cwd: `${this.host.home}/joe`,
      env: { PATH: process.env.PATH, QMAILHOME: this.host.home, ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
      ...(isRoot ? { uid: OWNER_UID, gid: OWNER_UID } : {}),
    });
    this.#oneShots.push(child);
    const talk = new ImapTalk(Duplex.from({ readable: child.stdout, writable: child.stdin }));
    expect(await talk.until(/^\* .*\r\n/)).toMatch(/^\* PREAUTH /);
    return talk;
  }

  /** The answer to one command, during which the other session has its own answered. */
  async answer(command: string, talk = this.attacker): Promise<string> {
    talk.sendRaw(`t ${command}\r\n`);
    const [answer] = await Promise.all([talk.until(/^t (?:OK|NO|BAD).*\r\n/m), this.goesOn()]);
    return answer;
  }

  /** The other session is served. */
  async goesOn(): Promise<void> {
    expect(await this.other.say('n NOOP\n', 'n')).toBe('n OK Done\r\n');
  }

  /** Sends an attack; the session goes on afterwards, and nothing is held for it. */
  async withstands({ send, answer }: Attack, talk = this.attacker): Promise<void> {
    expect(await this.answer(send, talk)).toMatch(answer);
    expect(await talk.say('z NOOP\n', 'z')).toMatch(/^(?:\* .*\r\n)*z OK Done\r\n$/);
    this.staysSmall();
  }

  staysSmall(): void {
    expect(residentOf(this.host.home) - this.#before).toBeLessThan(ROOM + this.#oneShotsRoom());
  }

  /** Each process of its own has a Node.js in it. */
  #oneShotsRoom(): number {
    return this.#oneShots.filter((child) => child.exitCode === null).length * 160 * 1024;
  }

  /** A folder of ann's with these files in cur, by name. */
  fill(folder: string, files: Readonly<Record<string, string | Buffer>>): string {
    const dir = join(this.host.maildir('ann'), folder === 'INBOX' ? '' : `.${folder}`);
    for (const path of ['', 'cur', 'new', 'tmp'])
      mkdirSync(join(dir, path), { mode: 0o700, recursive: true });
    for (const path of ['', 'cur', 'new', 'tmp']) this.own(join(dir, path));
    for (const [name, text] of Object.entries(files)) {
      const path = join(dir, 'cur', name);
      writeFileSync(path, text, 'latin1');
      this.own(path);
    }
    return dir;
  }

  /** Makes a file the mailbox's owner's. */
  own(path: string | Buffer): void {
    if (isRoot) chownSync(path, OWNER_UID, OWNER_UID);
  }

  /** Ends the one-shot servers. */
  async endOneShots(): Promise<void> {
    const ended = this.#oneShots;
    this.#oneShots = [];
    for (const child of ended) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const over = once(child, 'exit');
      child.kill('SIGKILL');
      await over;
    }
  }

  async remove(): Promise<void> {
    await this.endOneShots();
    await this.host.remove();
  }
}

async function logIn(host: MailHost, user: string): Promise<ImapTalk> {
  const talk = await ImapTalk.open(host.port);
  const login = `a LOGIN ${user}@${DOMAIN} "${host.users[user]}"\n`;
  expect(await talk.say(login, 'a')).toMatch(/^a OK /m);
  return talk;
}
