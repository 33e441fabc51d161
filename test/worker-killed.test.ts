// Logins while the worker that is to serve them is killed: each is answered as if nothing had been, by a worker that was started
// for it, or cut off when the killed one had begun to serve it. Nothing that was sent along is lost or done twice.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { generator } from './lib/fault-shim/fault-plan.ts';
import { DOMAIN, type MailHost, OWNER_UID, startMailHost } from './lib/mail-host.ts';
import { MaildirBox } from './lib/maildir-box.ts';
import { killQuietly, processesOf } from './lib/processes.ts';
import { isRoot } from './lib/run.ts';
import { SEED } from './lib/seed.ts';

const ROUNDS = 12;
const CLIENTS = 3;

interface Dialogue {
  readonly program: 'imapd' | 'qmail-pop3d';
  /** All that the client says, in one packet. */
  say(host: MailHost, subject: string): string;
  /** What is answered to all of that. */
  readonly whole: RegExp;
  /** An answer that no client may get. */
  readonly failed: RegExp;
}

const IMAP: Dialogue = {
  program: 'imapd',
  say: ({ users }, subject) => {
    const message = `Subject: ${subject}\r\n\r\n`;
    return `a LOGIN ann@${DOMAIN} "${users.ann}"\r\nb APPEND INBOX {${message.length}+}\r\n${message}\r\nz LOGOUT\r\n`;
  },
  whole: /^\* OK [\s\S]*^a OK [\s\S]*^b OK [\s\S]*^z OK .*\r\n$/m,
  failed: /^[abz] (?:NO|BAD)/m,
};

const POP3: Dialogue = {
  program: 'qmail-pop3d',
  say: ({ users }) => `USER ann@${DOMAIN}\r\nPASS ${users.ann}\r\nNOOP\r\nQUIT\r\n`,
  whole: /^(?:\+OK.*\r\n){5}$/,
  failed: /^-ERR/m,
};

test.each([IMAP, POP3])(
  '$program: a login whose worker is killed finds another one',
  async (dialogue) => {
    const draw = generator(SEED);
    const host = await startMailHost({
      program: dialogue.program,
      mode: isRoot ? 'root' : 'private',
      words: ['--max-per-ip', '100', 'Maildir'],
    });
    const pids = () => processesOf(host.home).map(({ pid }) => pid);
    const without = new Set(pids());
    const workers = () => pids().filter((pid) => !without.has(pid));
    const sessions = new Map<string, string>();
    try {
      await converse(await greeted(host.port), dialogue.say(host, 'first'));
      expect(workers()).toHaveLength(1);
      for (let round = 0; round < ROUNDS; round++) {
        const sockets = await Promise.all(
          Array.from({ length: CLIENTS }, () => greeted(host.port)),
        );
        const [worker] = workers();
        const before = round % 2 === 0;
        const kill = () => killQuietly(worker as number, 'SIGKILL');
        if (before) kill();
        const asked = sockets.map(async (client, n) => {
          const subject = `round ${round} client ${n}`;
          const answer = await converse(client, dialogue.say(host, subject));
          sessions.set(subject, answer);
          expect(answer, host.log()).not.toMatch(dialogue.failed);
          if (before) expect(answer, host.log()).toMatch(dialogue.whole);
        });
        if (!before) {
          await sleep(draw() * 20);
          kill();
        }
        await Promise.all(asked);
      }
      expect(sessions.size).toBe(ROUNDS * CLIENTS);
      if (dialogue === IMAP) expectOnce(host, sessions);
    } finally {
      await host.remove();
    }
  },
);

/** What was answered by OK is there, once, and nothing is there twice. */
function expectOnce(host: MailHost, sessions: ReadonlyMap<string, string>): void {
  const found = new MaildirBox(host.maildir('ann'), OWNER_UID).messages();
  for (const [subject, answer] of sessions) {
    const times = found.filter((each) => each.trim() === subject).length;
    expect(times, `${subject}: ${answer}`).toBeLessThanOrEqual(1);
    if (/^b OK/m.test(answer)) expect(times, subject).toBe(1);
  }
}

interface Client {
  readonly socket: Socket;
  readonly heard: Buffer[];
}

/** Connected, with the greeting heard: what follows finds the service at rest. */
async function greeted(port: number): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  const heard: Buffer[] = [];
  socket.on('data', (chunk) => heard.push(chunk));
  // Cut off: that is seen in what was heard.
  socket.on('error', () => {});
  await once(socket, 'data');
  return { socket, heard };
}

/** All that is heard when this is said, up to the end. */
async function converse({ socket, heard }: Client, words: string): Promise<string> {
  const closed = once(socket, 'close');
  socket.write(words);
  await closed;
  return Buffer.concat(heard).toString('latin1');
}
