// The SMTP server as a function of a connection: qmail-smtpd(8), RFC 5321.

import { MoreHosts } from '@q/control';
import { faultOf, isFault } from '@q/fault';
import { type Conn, Disconnected, LineTooLong, type Peer, Timeout } from '@q/session';
import { type Command, parseCommand } from '@q/smtp';
import { commandFor, type Step } from './commands.ts';
import type { Config } from './config.ts';
import { BAD_COMMANDS_MAX, COMMAND_LINE_MAX, SESSION_MAX } from './limits.ts';
import { REPLY } from './replies.ts';
import { reply, type Services, type State } from './state.ts';

/**
 * Serves one client and resolves to the exit code: 0 after QUIT, 1 for any other end. Throws what
 * nobody foresaw, after telling the client to come back later.
 */
export async function session(
  conn: Conn,
  peer: Peer,
  config: Config,
  services: Services,
): Promise<number> {
  conn.idleTimeout = config.timeout;
  conn.deadline = Date.now() + SESSION_MAX * 1000; // the clock that Conn goes by
  const moreHosts = new MoreHosts(services.home);
  const state: State = {
    conn,
    peer,
    config,
    services,
    helo: undefined,
    transaction: undefined,
    moreHosts,
  };
  try {
    reply(state, `220 ${config.greeting} ESMTP`);
    return (await serve(state)) === 'quit' ? 0 : 1;
  } catch (error) {
    return lastWords(state, error);
  } finally {
    moreHosts.close();
  }
}

async function serve(state: State): Promise<'quit' | 'close'> {
  let bad = 0;
  let overlong = 0;
  for (;;) {
    const command = await nextCommand(state.conn);
    if (command === undefined) return 'close';
    let step: Step;
    if (command === 'too long') {
      reply(state, REPLY.lineTooLong);
      if (++overlong > 1 || !(await state.conn.skipLine())) return 'close';
      step = 'bad';
    } else {
      step = await run(state, command);
    }
    if (step === 'quit' || step === 'close') return step;
    bad = step === 'bad' ? bad + 1 : 0;
    if (bad >= BAD_COMMANDS_MAX) {
      reply(state, REPLY.tooManyBad);
      return 'close';
    }
  }
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

function run(state: State, command: Command): Step | Promise<Step> {
  if (command.verb.includes('\0') || command.argument.includes('\0')) {
    reply(state, REPLY.nul);
    return 'bad';
  }
  return commandFor(command.verb).run(state, command.argument);
}

/** The one place where trouble becomes a reply. */
function lastWords(state: State, error: unknown): number {
  if (error instanceof Disconnected) return 1;
  if (error instanceof Timeout) {
    reply(state, error.reason === 'stop' ? REPLY.stopping : REPLY.timeout);
    return 1;
  }
  // A fault here is morercpthosts.cdb that cannot be read: the other controls were read before.
  reply(state, isFault(error) ? REPLY.noControls : REPLY.internal);
  throw faultOf(error, 'internal error');
}
