// A client of the search commands for tests: a command's text goes in, the lines of its answer come out.

import { type CommandName, parseCommand } from '@q/imap';
import { CommandRefused } from '../../refused.ts';
import { replyLine } from '../../reply.ts';
import type { CommandRow, Enabled, Reply, Session } from '../../session.ts';
import { MailboxView } from '../../view.ts';
import { searchCommands } from '../commands.ts';
import type { TestMailbox } from './mailbox.ts';

export class TestClient {
  readonly mailbox: TestMailbox;
  readonly view: MailboxView;
  readonly session: Session;
  /** Times that the session could have let others have a turn. */
  drained = 0;
  /** Called at each of them. */
  onDrain: () => void = () => {};
  #written = '';
  #wishes: (() => void | Promise<void>)[] = [];

  constructor(mailbox: TestMailbox, enabled: readonly Enabled[] = []) {
    this.mailbox = mailbox;
    this.view = new MailboxView(mailbox.opened(), { readOnly: false, rights: 'lrswipkxtea' });
    const utf8 = enabled.includes('UTF8=ACCEPT') || enabled.includes('IMAP4REV2');
    this.session = {
      enabled: new Set(enabled),
      view: this.view,
      savedResult: [],
      utf8,
      untagged: (line: string) => this.#write(`* ${line}\r\n`),
      write: (data: Buffer | string) => this.#write(String(data)),
      drain: async () => {
        this.drained += 1;
        this.onDrain();
      },
      soon: (tell: () => void | Promise<void>) => this.#wishes.push(tell),
      log: () => {},
    } as unknown as Session;
  }

  /**
   * The lines of the answer to a command, "{text}" for a literal in it. After it the mailbox is looked at, as the dispatcher does.
   * Bytes above 127 are latin1. How far a search has come, which a slow machine tells, is left out.
   */
  async say(line: string, tag = 'a'): Promise<readonly string[]> {
    const command = parseCommand(pieces(`${tag} ${line}`), this.session.utf8);
    const written = () => this.#take();
    if (command.name === undefined) return [`${tag} BAD ${command.text}`];
    const row = searchCommands[command.name as keyof typeof searchCommands] as CommandRow<unknown>;
    const reply = await this.#reply(row, command.arguments, tag, command.name);
    this.view.sync(this.session, row.tellsExpunged);
    await this.#tellWishes();
    const lines = written().filter((one) => !one.startsWith('* OK [INPROGRESS '));
    return [...lines, replyLine(tag, reply).trimEnd()];
  }

  /** What the client hears of changes when nothing else is said. */
  async look(): Promise<readonly string[]> {
    this.view.sync(this.session, true);
    await this.#tellWishes();
    return this.#take();
  }

  async #reply(
    row: CommandRow<unknown>,
    given: unknown,
    tag: string,
    name: CommandName,
  ): Promise<Reply> {
    try {
      return await row.run(this.session, given, tag, name);
    } catch (error) {
      if (!(error instanceof CommandRefused)) throw error;
      const { status, code, message } = error;
      return { status, text: message, ...(code !== undefined && { code }) };
    }
  }

  async #tellWishes(): Promise<void> {
    for (let tell = this.#wishes.shift(); tell !== undefined; tell = this.#wishes.shift())
      await tell();
  }

  #write(data: string): void {
    this.#written += data;
  }

  #take(): readonly string[] {
    const lines = this.#written.split('\r\n');
    this.#written = '';
    return lines.slice(0, -1);
  }
}

/** "a SEARCH TEXT {été}" as the reader would give it. */
function pieces(line: string): Parameters<typeof parseCommand>[0] {
  return line.split(/\{([^}]*)\}/).map((text, index) => {
    const bytes = Buffer.from(text, 'latin1');
    return index % 2 === 0 ? { kind: 'text', bytes } : { kind: 'literal', bytes, binary: false };
  });
}
