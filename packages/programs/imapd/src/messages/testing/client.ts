// A client of the message commands for tests: a command's text goes in, what the server says comes out, as latin1 text.

import { AFTER_LOGIN, type Command, CommandReader, parseCommand } from '@q/imap';
import { type MailAccount, NameFault, type Place } from '@q/mail-account';
import { LineEnds } from '../../line-ends.ts';
import { CommandRefused } from '../../refused.ts';
import { replyLine } from '../../reply.ts';
import type { CommandRow, Enabled, Opened, Reply, Session, Settings } from '../../session.ts';
import { messageCommands } from '../commands.ts';
import { MemoryCache, MemoryFolder, MemorySpool } from './folder.ts';

/** Mailboxes by name, with the rights on them. */
export class TestMailboxes {
  readonly folders = new Map<
    string,
    { folder: MemoryFolder; cache: MemoryCache; rights: string }
  >();
  /** Bytes that still fit; undefined: no quota. */
  room: number | undefined;

  add(name: string, rights = 'lrswipkxtea'): MemoryFolder {
    const folder = new MemoryFolder();
    this.folders.set(name, { folder, cache: new MemoryCache(folder), rights });
    return folder;
  }

  /** What the commands use of an account. */
  account(): MailAccount {
    const held = (name: string) => {
      const one = this.folders.get(name);
      if (one === undefined) throw new NameFault('NONEXISTENT', 'No such mailbox');
      return one;
    };
    const account: Partial<MailAccount> = {
      namespaces: { personal: [{ prefix: '', separator: '/' }], others: [], shared: [] },
      find: async (name, rights) => {
        for (const right of rights)
          if (!held(name).rights.includes(right)) throw new NameFault('NOPERM', 'Not your right');
        return this.place(held(name) && name);
      },
      create: async (name) => {
        this.add(name);
        return this.place(name);
      },
      rights: async ({ name }) => held(name).rights,
      quota: async () => (this.room === undefined ? undefined : { name: 'ROOT', resources: [] }),
      claim: async (_place, bytes) => {
        if (bytes > (this.room ?? Number.POSITIVE_INFINITY))
          throw new NameFault('OVERQUOTA', 'Over quota');
      },
    };
    return account as MailAccount;
  }

  place(name: string): Place {
    const trash = name === 'Trash';
    return { name, space: 'personal', dir: name, root: '/', trash, counted: !trash };
  }

  open(place: Place): Opened {
    const { folder, cache } = this.folders.get(place.name) as {
      folder: MemoryFolder;
      cache: MemoryCache;
    };
    return { place, folder, cache, release: () => {} };
  }
}

export class TestClient {
  readonly session: Session;
  readonly logged: string[] = [];
  readonly spools: MemorySpool[] = [];
  /** Called at each place where the client's slowness is waited for. */
  onDrain: () => void | Promise<void> = () => {};
  #pieces: Buffer[] = [];

  constructor(mailboxes: TestMailboxes, settings: Partial<Settings> = {}) {
    const write = (data: Buffer | string) =>
      void this.#pieces.push(Buffer.isBuffer(data) ? data : Buffer.from(data, 'latin1'));
    const enabled = new Set<Enabled>();
    this.session = {
      user: 'alice',
      account: mailboxes.account(),
      settings: {
        appendLimit: 100_000,
        trashFolder: 'Trash',
        keywords: true,
        ...settings,
      } as Settings,
      enabled,
      view: undefined,
      savedResult: [],
      open: async (place: Place) => mailboxes.open(place),
      untagged: (line: string) => write(`* ${line}\r\n`),
      write,
      drain: async () => this.onDrain(),
      spools: this.spools,
      mailboxText: (name: string) => name,
      get utf8() {
        return enabled.has('UTF8=ACCEPT') || enabled.has('IMAP4REV2');
      },
      log: (line: string) => void this.logged.push(line),
      counts: { headers: 0, body: 0 },
    } as unknown as Session;
  }

  /** All that is said until the answer of `command`, which has no tag; the answer's is "a". Literals are put behind their announcement. */
  async say(command: string | Buffer): Promise<string> {
    const reader = new CommandReader(AFTER_LOGIN);
    const bytes = Buffer.isBuffer(command) ? command : Buffer.from(command, 'latin1');
    reader.push(Buffer.concat([Buffer.from('a '), bytes, Buffer.from('\r\n')]));
    this.spools.length = 0;
    let ends: LineEnds | undefined;
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.kind === 'message') {
        this.spools.push(new MemorySpool());
        ends = event.binary ? undefined : new LineEnds();
        reader.accept();
      } else if (event.kind === 'data') {
        await this.spools.at(-1)?.write(ends?.convert(event.bytes, event.last) ?? event.bytes);
      } else if (event.kind === 'command') {
        const parsed = parseCommand(event.pieces, this.session.utf8);
        if (parsed.name === undefined) return `${this.#take()}a BAD ${parsed.text}\r\n`;
        return await this.#run(parsed);
      }
    }
    throw new Error('the command has no end');
  }

  /** The lines of say(), the answer last. */
  async lines(command: string): Promise<readonly string[]> {
    return (await this.say(command)).split('\r\n').slice(0, -1);
  }

  /** What is told of changes when nothing is asked. */
  look(): readonly string[] {
    this.session.view?.sync(this.session, true);
    return this.#take().split('\r\n').slice(0, -1);
  }

  async #run(command: Command): Promise<string> {
    const row = messageCommands[command.name] as CommandRow<unknown>;
    const before = this.session.view;
    const reply = await this.#reply(row, command);
    if (this.session.view === before) before?.sync(this.session, row.tellsExpunged);
    return `${this.#take()}${replyLine('a', reply)}`;
  }

  async #reply(row: CommandRow<unknown>, command: Command): Promise<Reply> {
    try {
      return await row.run(this.session, command.arguments, command.tag, command.name);
    } catch (error) {
      if (error instanceof NameFault)
        return { status: 'NO', code: error.code, text: error.message };
      if (!(error instanceof CommandRefused)) throw error;
      const { status, code, message } = error;
      return { status, text: message, ...(code !== undefined && { code }) };
    }
  }

  #take(): string {
    return Buffer.concat(this.#pieces.splice(0)).toString('latin1');
  }
}
