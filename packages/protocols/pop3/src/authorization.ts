// The commands of the AUTHORIZATION state: RFC 1939 section 4, RFC 2449 for CAPA. What becomes of a name and
// its password is the caller's business.

import type { Conn } from '@q/session';
import { CAPABILITIES, capabilityList, ERR, OK } from './replies.ts';
import { type Row, type Step, say } from './serve.ts';

/** What is known of a client that has not logged in. */
export interface Authorizing {
  readonly conn: Conn;
  /** After USER. */
  user?: string;
}

/** Takes a name and its password, neither of them empty, latin1. It answers the client, now or later. */
export type Submit<State> = (state: State, name: string, password: string) => Step;

/** The table for serveCommands(); `more` are rows that not every server has. */
export function authorizationTable<State extends Authorizing>(
  submit: Submit<State>,
  more: readonly Row<State>[] = [],
): readonly Row<State>[] {
  return [
    { verb: 'USER', run: user },
    { verb: 'PASS', run: (state, password) => pass(submit, state, password) },
    ...more,
    { verb: 'QUIT', run: ({ conn }) => say(conn, OK, 'stop') },
    { verb: 'NOOP', run: ({ conn }) => say(conn, OK) },
    { verb: 'CAPA', run: ({ conn }) => say(conn, capabilityList(['USER', ...CAPABILITIES])) },
    { verb: '', run: ({ conn }) => say(conn, ERR.authorizationFirst, 'bad') },
  ];
}

function user(state: Authorizing, name: string): Step {
  if (name === '') return say(state.conn, ERR.syntax, 'bad');
  state.user = name;
  return say(state.conn, OK);
}

function pass<State extends Authorizing>(
  submit: Submit<State>,
  state: State,
  password: string,
): Step {
  if (state.user === undefined) return say(state.conn, ERR.userFirst, 'bad');
  if (password === '') return say(state.conn, ERR.syntax, 'bad');
  return submit(state, state.user, password);
}
