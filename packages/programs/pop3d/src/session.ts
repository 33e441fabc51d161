// The POP3 TRANSACTION and UPDATE states: qmail-pop3d(8), RFC 1939 sections 5 and 6. One call, one
// session; nothing is removed unless it comes to QUIT.

import { cleanTmp } from '@q/maildir';
import {
  CAPABILITIES,
  capabilityList,
  END_OF_LIST,
  ERR,
  OK,
  ok,
  parseNumber,
  parseNumbers,
  type Row,
  type Step,
  say,
  serveCommands,
} from '@q/pop3';
import type { Conn } from '@q/session';
import { LIST_BATCH } from './limits.ts';
import { type Mailbox, MailboxFault, openMailbox } from './mailbox.ts';
import { sendMessage } from './retrieve.ts';
import type { Message } from './slots.ts';

/** What a session did, for the log. */
export interface Tally {
  /** Messages sent by RETR or TOP, and their bytes on the wire. */
  retrieved: number;
  bytes: number;
  /** Messages marked when QUIT came. */
  deleted: number;
}

export function newTally(): Tally {
  return { retrieved: 0, bytes: 0, deleted: 0 };
}

/**
 * Serves the maildir at `dir` to a client that has logged in, until QUIT, the end of input or too much
 * nonsense. Throws what the connection throws on timeouts. Closing is the host's.
 */
export async function serveMailbox(conn: Conn, dir: string, tally: Tally): Promise<void> {
  let mailbox: Mailbox;
  try {
    mailbox = await openMailbox(dir);
  } catch (error) {
    if (!(error instanceof MailboxFault)) throw error;
    conn.write(error.kind === 'missing' ? ERR.noMaildir : ERR.unableToScan);
    return;
  }
  await cleanTmp(dir).catch(() => {});
  conn.write(OK);
  await serveCommands(conn, TABLE, { conn, mailbox, tally, last: 0 });
}

interface State {
  readonly conn: Conn;
  readonly mailbox: Mailbox;
  readonly tally: Tally;
  /** The highest number that was deleted: qmail's LAST. */
  last: number;
}

const TABLE: readonly Row<State>[] = [
  { verb: 'QUIT', run: quit },
  { verb: 'STAT', run: status },
  { verb: 'LIST', run: (state, argument) => list(state, argument, ({ size }) => String(size)) },
  { verb: 'UIDL', run: (state, argument) => list(state, argument, ({ uid }) => uid) },
  { verb: 'DELE', run: remove },
  { verb: 'RETR', run: retrieve },
  { verb: 'RSET', run: reset },
  { verb: 'LAST', run: ({ conn, last }) => say(conn, ok(String(last))) },
  { verb: 'TOP', run: retrieve },
  { verb: 'NOOP', run: ({ conn }) => say(conn, OK) },
  { verb: 'CAPA', run: ({ conn }) => say(conn, capabilityList(CAPABILITIES)) },
  { verb: '', run: ({ conn }) => say(conn, ERR.unimplemented, 'bad') },
];

/** qmail counts deleted messages and does not count their bytes. */
function status({ conn, mailbox }: State): Step {
  return say(conn, ok(`${mailbox.count} ${mailbox.size}`));
}

/** LIST and UIDL: all messages that are not marked, or one. */
async function list(
  { conn, mailbox }: State,
  argument: string,
  describe: (message: Message) => string,
): Promise<Step> {
  if (argument.trim() !== '') {
    const found = lookup(mailbox, parseNumber(argument));
    if ('error' in found) return say(conn, found.error, found.step);
    return say(conn, ok(`${found.number} ${describe(found.message)}`));
  }
  conn.write(OK);
  let batch: string[] = [];
  for (let number = 1; number <= mailbox.count; number++) {
    const message = mailbox.message(number) as Message;
    if (!message.deleted) batch.push(`${number} ${describe(message)}\r\n`);
    if (batch.length < LIST_BATCH) continue;
    conn.write(batch.join(''));
    batch = [];
    await conn.flush();
  }
  return say(conn, batch.join('') + END_OF_LIST);
}

/** RETR n, TOP n k; as in qmail either may have k or not. */
async function retrieve({ conn, mailbox, tally }: State, argument: string): Promise<Step> {
  const [number, lines] = parseNumbers(argument) ?? [];
  const found = lookup(mailbox, number);
  if ('error' in found) return say(conn, found.error, found.step);
  const file = await mailbox.open(found.number);
  const sent = file === undefined ? undefined : await sendMessage(conn, file, lines);
  if (sent === undefined) return say(conn, ERR.unableToOpen);
  tally.retrieved++;
  tally.bytes += sent;
  return 'next';
}

function remove(state: State, argument: string): Step {
  const found = lookup(state.mailbox, parseNumber(argument));
  if ('error' in found) return say(state.conn, found.error, found.step);
  state.mailbox.mark(found.number);
  state.last = Math.max(state.last, found.number);
  return say(state.conn, OK);
}

function reset(state: State): Step {
  state.mailbox.unmarkAll();
  state.last = 0;
  return say(state.conn, OK);
}

/** As qmail: a failure is one line more, and the OK follows. */
async function quit({ conn, mailbox, tally }: State): Promise<Step> {
  tally.deleted = mailbox.marked;
  if (!(await mailbox.commit())) conn.write(ERR.notAllUnlinked);
  return say(conn, OK, 'stop');
}

type Found =
  | { readonly number: number; readonly message: Message }
  | { readonly error: string; readonly step: Step };

function lookup(mailbox: Mailbox, number: number | undefined): Found {
  if (number === undefined) return { error: ERR.syntax, step: 'bad' };
  if (number === 0) return { error: ERR.countedFromOne, step: 'next' };
  const message = mailbox.message(number);
  if (message === undefined) return { error: ERR.notThatMany, step: 'next' };
  if (message.deleted) return { error: ERR.alreadyDeleted, step: 'next' };
  return { number, message };
}
