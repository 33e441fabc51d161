// A session after login, command by command (RFC 9051, sections 5.5 and 7.5.1): commands are read in order and answered in
// order, those that are pipelined too. After each the client is told what changed in its mailbox, then comes the answer.
//
//   between   --command--------------------> run: refresh, row, refresh, changes told, answer --> between
//             --message announced----------> checked: spooling, or declined
//             --somebody has something-----> told --> between
//             --LOGOUT, nonsense, the end--> over

import {
  AFTER_LOGIN,
  type Command,
  type CommandPiece,
  CommandReader,
  parseCommand,
  type ReaderEvent,
  refusalReply,
} from '@q/imap';
import { stir } from '@q/service';
import { type Conn, Timeout } from '@q/session';
import { type ConnectionRow, connectionCommands } from './connection/commands.ts';
import { replyOfFault } from './fault-reply.ts';
import { IncomingMessages } from './incoming.ts';
import { CommandInput } from './input.ts';
import { BAD_COMMANDS_MAX, QUEUED_MAX } from './limits.ts';
import { mailboxCommands } from './mailboxes/commands.ts';
import { messageCommands } from './messages/commands.ts';
import { bad, replyLine } from './reply.ts';
import { searchCommands } from './search/commands.ts';
import type { CommandRow, CommandTable, Reply } from './session.ts';
import type { ImapSession } from './session-state.ts';
import { takesNew } from './view.ts';

/** How a session ended, for the log. */
export type Ending = 'logout' | 'disconnected' | 'timeout' | 'stop';

const TABLE: CommandTable = { ...messageCommands, ...searchCommands, ...mailboxCommands };

export class Dispatcher {
  readonly conn: Conn;
  readonly session: ImapSession;
  readonly reader = new CommandReader(AFTER_LOGIN);
  readonly input: CommandInput;
  /** COMPRESS can still be done. */
  compressible = true;
  #incoming: IncomingMessages | undefined;
  /** Bad commands in a row. */
  #bad = 0;
  /** The selected mailbox was looked at since the client was last waited for. */
  #fresh = false;
  #ending: Ending | undefined;

  constructor(conn: Conn, session: ImapSession) {
    this.conn = conn;
    this.session = session;
    this.input = new CommandInput(conn, this.reader);
    session.onWish = () => this.input.call();
  }

  /** Until the client is gone. Throws Disconnected and what nobody foresaw. */
  async run(): Promise<Ending> {
    try {
      while (this.#ending === undefined) await this.#next();
      return this.#ending;
    } catch (error) {
      if (error instanceof MailboxGone) {
        this.session.untagged('BYE [UNAVAILABLE] The selected mailbox is gone');
        return 'disconnected';
      }
      if (!(error instanceof Timeout)) throw error;
      const stopping = error.reason === 'stop';
      const why = stopping ? 'Server is stopping' : 'Autologout; idle for too long';
      this.session.untagged(`BYE ${stopping ? '[UNAVAILABLE] ' : ''}${why}`);
      return stopping ? 'stop' : 'timeout';
    } finally {
      await this.#incoming?.end();
      this.session.close();
    }
  }

  end(how: Ending): void {
    this.#ending = how;
  }

  /** Brings the selected mailbox up to date, and tells the client. Message numbers change only if `expunged`. */
  async look(expunged: boolean): Promise<void> {
    const { view } = this.session;
    if (view === undefined) return;
    const { folder, place } = view.opened;
    try {
      await folder.refresh({ takeNew: takesNew(view) });
    } catch (error) {
      const { reply, trouble } = replyOfFault(error);
      if (reply.code === 'NONEXISTENT') throw new MailboxGone();
      this.session.log(
        `warning: unable to read ${place.dir}: ${trouble ?? (error as Error).message}`,
      );
    }
    view.sync(this.session, expunged);
    this.#fresh = true;
  }

  async #next(): Promise<void> {
    const event = this.input.event();
    if (event !== undefined) {
      await this.#take(event);
      return;
    }
    const incoming = this.#incoming;
    const more =
      incoming !== undefined && incoming.left > 0
        ? await this.input.fill(incoming.left)
        : await this.#wait();
    if (!more) this.#ending ??= 'disconnected';
  }

  /** False at the end of input. */
  async #wait(): Promise<boolean> {
    this.#fresh = false;
    const woken = await this.input.wait(this.#incoming === undefined);
    this.session.beginTurn();
    if (woken !== 'called') return woken === 'input';
    await this.session.tellWishes();
    await this.conn.flush();
    return true;
  }

  async #take(event: ReaderEvent): Promise<void> {
    switch (event.kind) {
      case 'command':
        await this.#command(event.pieces);
        break;
      case 'continue':
        this.session.write('+ OK\r\n');
        break;
      case 'message':
        this.#incoming ??= new IncomingMessages(this.session);
        if (await this.#incoming.announced(event)) this.reader.accept();
        else this.reader.decline();
        break;
      case 'data':
        await this.#incoming?.data(event.bytes, event.last);
        break;
      case 'refused':
        await this.#refused(event);
        break;
      case 'line':
        break;
    }
    // A client that sends a thousand commands and reads nothing waits here, not in our memory.
    if (this.conn.queued >= QUEUED_MAX) await this.conn.flush();
  }

  async #refused(event: Extract<ReaderEvent, { kind: 'refused' }>): Promise<void> {
    const refusal = this.#incoming?.refusal;
    const tag = this.#incoming?.tag;
    await this.#endOfIncoming();
    if (event.closing) this.#ending = 'disconnected';
    const known = event.reason === 'declined' && !event.closing && refusal !== undefined;
    this.session.write(known ? replyLine(event.tag ?? tag, refusal) : refusalReply(event));
    if (!known) this.#count(true);
  }

  async #command(pieces: readonly CommandPiece[]): Promise<void> {
    stir();
    this.session.beginTurn();
    const command = parseCommand(pieces, this.session.utf8);
    if (command.name === undefined) {
      await this.#endOfIncoming();
      this.session.write(`${command.tag ?? '*'} BAD ${command.text}\r\n`);
      this.#count(true);
      return;
    }
    const reply = this.#incoming?.refusal ?? (await this.#perform(command));
    await this.#endOfIncoming();
    if (reply !== undefined) {
      this.session.write(replyLine(command.tag, reply));
      this.#count(reply.status === 'BAD');
    }
    this.session.notifier?.commandDone();
    await this.session.tellWishes();
  }

  /** Undefined when the row has answered by itself. */
  async #perform(command: Command): Promise<Reply | undefined> {
    const { session } = this;
    try {
      const own = connectionCommands[command.name] as ConnectionRow<unknown> | undefined;
      if (own !== undefined) return await own(this, command.arguments, command.tag);
      const row = TABLE[command.name] as CommandRow<unknown> | undefined;
      if (row === undefined) return bad('Not now');
      if (row.state === 'selected' && session.view === undefined)
        return bad('No mailbox is selected');
      return await this.#runRow(row, command);
    } catch (error) {
      if (error instanceof MailboxGone) throw error;
      const { reply, trouble } = replyOfFault(error);
      if (trouble !== undefined) session.log(`warning: ${command.name}: ${trouble}`);
      return reply;
    }
  }

  async #runRow(row: CommandRow<unknown>, command: Command): Promise<Reply> {
    const { session } = this;
    // Message numbers in the command mean what the client knows.
    if (row.state === 'selected' && !this.#fresh) await this.look(false);
    session.spools = this.#incoming?.spools ?? [];
    const before = session.view;
    const reply = await row.run(session, command.arguments, command.tag, command.name);
    if (session.view === before) await this.look(row.tellsExpunged);
    return reply;
  }

  async #endOfIncoming(): Promise<void> {
    this.session.spools = [];
    await this.#incoming?.end();
    this.#incoming = undefined;
  }

  #count(isBad: boolean): void {
    this.#bad = isBad ? this.#bad + 1 : 0;
    if (this.#bad < BAD_COMMANDS_MAX) return;
    this.session.untagged('BYE Too many bad commands');
    this.#ending ??= 'disconnected';
  }
}

/** The selected mailbox was removed under the session. */
class MailboxGone extends Error {
  override readonly name = 'MailboxGone';
}
