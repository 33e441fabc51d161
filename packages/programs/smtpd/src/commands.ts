// The commands, one row each; the last row is everything else.

import { data } from './data.ts';
import { mail, rcpt } from './envelope.ts';
import { REPLY } from './replies.ts';
import { reply, type State } from './state.ts';

/** Go on; go on, but that was no command; end the connection in order; end it in trouble. */
export type Step = 'next' | 'bad' | 'quit' | 'close';

interface Row {
  /** Upper case; '' is any other. */
  readonly verb: string;
  run(state: State, argument: string): Step | Promise<Step>;
}

/** The row for a verb in upper case. */
export function commandFor(verb: string): Row {
  return TABLE.find((row) => row.verb === verb) ?? UNKNOWN;
}

const TABLE: readonly Row[] = [
  { verb: 'MAIL', run: mail },
  { verb: 'RCPT', run: rcpt },
  { verb: 'DATA', run: data },
  { verb: 'EHLO', run: ehlo },
  { verb: 'HELO', run: helo },
  { verb: 'RSET', run: rset },
  { verb: 'QUIT', run: quit },
  { verb: 'NOOP', run: (state) => reply(state, REPLY.ok) },
  { verb: 'VRFY', run: (state) => reply(state, REPLY.verify) },
  { verb: 'HELP', run: (state) => reply(state, REPLY.help) },
];

const UNKNOWN: Row = {
  verb: '',
  run(state) {
    reply(state, REPLY.unimplemented);
    return 'bad';
  },
};

function helo(state: State, argument: string): Step {
  greet(state, argument);
  return reply(state, `250 ${state.config.greeting}`);
}

function ehlo(state: State, argument: string): Step {
  greet(state, argument);
  const { greeting, databytes } = state.config;
  reply(state, `250-${greeting}`);
  reply(state, '250-PIPELINING');
  reply(state, `250-SIZE ${databytes}`); // 0: no fixed limit (RFC 1870)
  return reply(state, '250 8BITMIME');
}

function greet(state: State, argument: string): void {
  state.transaction = undefined;
  state.helo = argument;
}

function rset(state: State): Step {
  state.transaction = undefined;
  return reply(state, REPLY.flushed);
}

function quit(state: State): Step {
  reply(state, `221 ${state.config.greeting}`);
  return 'quit';
}
