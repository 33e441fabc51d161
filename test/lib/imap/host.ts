// An IMAP service with two users, and two ways to speak with it: over its socket, and as one program on a pipe for each
// session, as through ssh.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { DIST } from '../instance.ts';
import { DOMAIN, type MailHost, OWNER_UID, startMailHost } from '../mail-host.ts';
import { killQuietly, parentOf, processesOf, until } from '../processes.ts';
import { isRoot } from '../run.ts';
import type { Connection } from './model-session.ts';
import { type Answer, type Response, WireClient } from './wire.ts';

type Heard = (response: Response) => void;

export interface ImapHost extends MailHost {
  /** Whose all mail is. */
  readonly uid: number;
  /** A session of the resident service, logged in. */
  open(user: string, heard?: Heard): Promise<Connection>;
  /** A session of an imapd of its own. */
  pipe(user: string, heard?: Heard): Promise<Connection>;
  /** kill -9 of the processes that serve the resident service's mailboxes; the next login finds others. */
  killWorker(): Promise<void>;
  /** One command in a session of its own. */
  command(user: string, command: string): Promise<Answer>;
}

export async function startImapHost(words: readonly string[] = []): Promise<ImapHost> {
  const limits = ['--max', '1000', '--max-per-ip', '1000'];
  const host = await startMailHost({
    program: 'imapd',
    mode: isRoot ? 'root' : 'private',
    words: [...limits, ...words],
  });
  const open = async (user: string, heard?: Heard): Promise<Connection> => {
    for (;;) {
      const socket = connect(host.port, '127.0.0.1');
      const client = new WireClient(socket, socket, heard);
      await client.greeting();
      const { status, text } = await client.run(`LOGIN ${user}@${DOMAIN} "${host.users[user]}"`);
      const kill = async () => {
        socket.resetAndDestroy();
      };
      if (status === 'OK') return { client, kill };
      await kill();
      // A worker that was killed a moment ago takes with it who comes at the same moment.
      if (!text.startsWith('[UNAVAILABLE]')) throw new Error(`LOGIN: ${text}`);
    }
  };
  const pipe = async (user: string, heard?: Heard): Promise<Connection> => {
    const child = spawn(`${DIST}/imapd`, [host.maildir(user)], {
      cwd: `${host.home}/joe`,
      env: { PATH: process.env.PATH, QMAILHOME: host.home },
      stdio: ['pipe', 'pipe', 'ignore'],
      ...(isRoot ? { uid: OWNER_UID, gid: OWNER_UID } : {}),
    });
    const client = new WireClient(child.stdout, child.stdin, heard);
    await client.greeting();
    return {
      client,
      kill: async () => {
        const over = once(child, 'exit');
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await over;
      },
    };
  };
  return {
    ...host,
    uid: OWNER_UID,
    killWorker: () => killWorkers(host),
    open,
    pipe,
    command: async (user, command) => {
      const { client, kill } = await open(user);
      try {
        return await client.run(command);
      } finally {
        await kill();
      }
    },
  };
}

/** Where all processes are the same user's, the front process looks like a worker: nothing is killed. */
async function killWorkers({ home, service }: MailHost): Promise<void> {
  if (!isRoot) return;
  const workers = processesOf(home).filter(
    ({ pid, uid }) => uid === OWNER_UID && parentOf(pid) === service.pid,
  );
  for (const { pid } of workers) killQuietly(pid, 'SIGKILL');
  await until('the workers are gone', () =>
    workers.every(({ pid }) => parentOf(pid) !== service.pid),
  );
}
