// Sessions of one process on real Maildirs, as a client meets them: text goes in, lines come out.

import { mkdirSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { connOf } from '@q/session';
import { Accounts } from '../../accounts.ts';
import { Dispatcher, type Ending } from '../../dispatch.ts';
import { ImapSession } from '../../session-state.ts';
import { readSettings, wishOf } from '../../settings.ts';

/** Made for the test under way. */
const tops: string[] = [];

/** A new directory that is a Maildir, with these folders ("Arch.2026"). */
export function makeMaildir(folders: readonly string[] = []): string {
  const top = mkdtempSync(join(tmpdir(), 'imapd-mailboxes-'));
  tops.push(top);
  const root = join(top, 'Maildir');
  for (const dir of ['', ...folders.map((folder) => `.${folder}`)])
    for (const part of ['cur', 'new', 'tmp'])
      mkdirSync(join(root, dir, part), { recursive: true, mode: 0o700 });
  return root;
}

let deliveries = 0;

/** A message in new/ of a folder's directory. */
export function deliver(dir: string, text = 'Subject: hello\n\nworld\n'): void {
  deliveries += 1;
  const name = `${1_700_000_000 + deliveries}.M1P${process.pid}_${deliveries}.host`;
  writeFileSync(join(dir, 'tmp', name), text, { mode: 0o600 });
  renameSync(join(dir, 'tmp', name), join(dir, 'new', name));
}

/** One worker process: its sessions share what they have open. */
export class TestHost {
  readonly logged: string[] = [];
  readonly #accounts = new Accounts((line) => void this.logged.push(line));
  readonly #clients: TestClient[] = [];

  /** A client of the Maildir that has logged in; `env` has settings by their names (IMAP_NAMESPACE). */
  async client(
    root: string,
    env: Readonly<Record<string, string>> = {},
    user = 'alice',
  ): Promise<TestClient> {
    const all = readSettings({ QMAILHOME: root, ...env });
    const settings = all.session;
    const entered = await this.#accounts.enter(wishOf(all, user, root));
    const client = new TestClient((input, output) => {
      const conn = connOf(input, output);
      const log = (line: string) => void this.logged.push(line);
      const session = new ImapSession(conn, { user, settings, holdings: entered, log });
      const over = new Dispatcher(conn, session).run();
      return over.finally(async () => {
        entered.release();
        await conn.flush().catch(() => {});
        output.end();
      });
    });
    this.#clients.push(client);
    return client;
  }

  /** Ends all sessions and what they shared, as a process that ends; the Maildirs stay. */
  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.end();
    await this.#accounts.end();
  }

  /** The same, and the Maildirs go. */
  async end(): Promise<void> {
    await this.stop();
    // A cache may write its last file while it is closed.
    const retries = { maxRetries: 50, retryDelay: 20 };
    for (const top of tops.splice(0)) await rm(top, { recursive: true, force: true, ...retries });
  }
}

export class TestClient {
  readonly #input = new PassThrough();
  readonly #output = new PassThrough();
  readonly #over: Promise<Ending | Error>;
  #heard = '';
  #wake: () => void = () => {};
  #tags = 0;
  /** The session has ended. */
  ended = false;

  constructor(serve: (input: PassThrough, output: PassThrough) => Promise<Ending>) {
    const output = this.#output;
    output.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
      this.#wake();
    });
    output.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    this.#over = serve(this.#input, output).catch((error: Error) => error);
  }

  /** Latin1 text, without tag and CRLF. Gives the lines up to the answer, which is the last: without tag. */
  async say(command: string): Promise<string[]> {
    const tag = `t${++this.#tags}`;
    this.#input.write(Buffer.from(`${tag} ${command}\r\n`, 'latin1'));
    const lines = await this.until((line) => line.startsWith(`${tag} `));
    const answer = lines.pop() ?? '';
    return [...lines, answer.slice(tag.length + 1)];
  }

  /** Sends a line and waits for nothing: "i IDLE", "DONE". */
  type(line: string): void {
    this.#input.write(Buffer.from(`${line}\r\n`, 'latin1'));
  }

  /** What is said until a line is as wanted; the lines with it. Literals are lines too. Throws when the session ends before. */
  async until(isLast: (line: string) => boolean): Promise<string[]> {
    for (;;) {
      const lines = this.#heard.split('\r\n').slice(0, -1);
      const index = lines.findIndex(isLast);
      if (index >= 0) {
        const taken = lines.slice(0, index + 1);
        this.#heard = this.#heard.slice(taken.join('\r\n').length + 2);
        return taken;
      }
      if (this.ended) throw new Error(`it ended: ${this.#heard}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Reads nothing until goOn(). */
  holdBack(): void {
    this.#output.pause();
  }

  goOn(): void {
    this.#output.resume();
  }

  /** Bytes that the session has written and nobody has read. */
  get unread(): number {
    return this.#output.writableLength + this.#output.readableLength;
  }

  /** Ends the connection; how the session ended. */
  async end(): Promise<Ending | Error> {
    this.#input.end();
    return await this.#over;
  }
}
