// The command loop of every POP3 state: qmail's commands(), with a bound on nonsense.

import { type Conn, LineTooLong } from '@q/session';
import { type Command, parseCommand } from './command.ts';
import { BAD_COMMANDS_MAX, COMMAND_LINE_MAX, QUEUED_MAX } from './limits.ts';
import { ERR } from './replies.ts';

/** What a command's handler says: go on; go on, but that was no command; stop serving. */
export type Step = 'next' | 'bad' | 'stop';

/** One row of a command table. The argument is latin1 and holds no NUL. */
export interface Row<State> {
  readonly verb: string;
  run(state: State, argument: string): Step | Promise<Step>;
}

/** Why serving ended: a handler said so, the peer went away, or the peer made no sense. */
export type End = 'stop' | 'eof' | 'abuse';

/**
 * Reads commands and runs the row of the table whose verb it is; the last row's verb is "" and stands
 * for everything else. Throws what the connection throws on a timeout or a broken line.
 */
export async function serveCommands<State>(
  conn: Conn,
  table: readonly Row<State>[],
  state: State,
): Promise<End> {
  const unknown = table[table.length - 1] as Row<State>;
  let bad = 0;
  for (;;) {
    const command = await nextCommand(conn);
    if (command === undefined) return 'eof';
    if (command === 'too long') {
      conn.write(ERR.lineTooLong);
      return 'abuse';
    }
    const step = command.argument.includes('\0')
      ? refuse(conn)
      : await (table.find((row) => row.verb === command.verb) ?? unknown).run(
          state,
          command.argument,
        );
    if (step === 'stop') return 'stop';
    // A client that sends a thousand RETR and reads nothing waits here, not in our memory.
    if (conn.queued >= QUEUED_MAX) await conn.flush();
    bad = step === 'bad' ? bad + 1 : 0;
    if (bad >= BAD_COMMANDS_MAX) {
      conn.write(ERR.tooManyBad);
      return 'abuse';
    }
  }
}

/** Queues a reply, and is what its handler returns. */
export function say(conn: Conn, reply: string, step: Step = 'next'): Step {
  conn.write(reply);
  return step;
}

async function nextCommand(conn: Conn): Promise<Command | 'too long' | undefined> {
  try {
    const line = conn.tryLine(COMMAND_LINE_MAX) ?? (await conn.readLine(COMMAND_LINE_MAX));
    return line === undefined ? undefined : parseCommand(line);
  } catch (error) {
    if (error instanceof LineTooLong) return 'too long';
    throw error;
  }
}

/** A NUL would end a field on fd 3, and stands in no argument an honest client sends. */
function refuse(conn: Conn): Step {
  conn.write(ERR.syntax);
  return 'bad';
}
