// Commands about the connection and the session itself: these see the dispatcher.

import type { Command } from '@q/imap';
import type { Dispatcher } from '../dispatch.ts';
import { ok } from '../reply.ts';
import type { Reply } from '../session.ts';
import { capability, enable, id } from './capability.ts';
import { compress } from './compress.ts';
import { idle } from './idle.ts';

/** Undefined: it has answered by itself. */
export type ConnectionRow<Arguments> = (
  dispatcher: Dispatcher,
  given: Arguments,
  tag: string,
) => Promise<Reply | undefined>;

type ConnectionTable = {
  readonly [Each in Command as Each['name']]?: ConnectionRow<Each['arguments']>;
};

export const connectionCommands: ConnectionTable = {
  CAPABILITY: capability,
  ENABLE: enable,
  ID: id,
  NOOP: look,
  CHECK: check,
  COMPRESS: compress,
  IDLE: idle,
  LOGOUT: logout,
};

async function look(dispatcher: Dispatcher): Promise<Reply> {
  await dispatcher.look(true);
  return ok('Done');
}

/** RFC 3501, section 6.4.1; all is on the disk already. */
async function check(dispatcher: Dispatcher): Promise<Reply> {
  if (dispatcher.session.view === undefined)
    return { status: 'BAD', text: 'No mailbox is selected' };
  return look(dispatcher);
}

async function logout(dispatcher: Dispatcher): Promise<Reply> {
  dispatcher.session.untagged('BYE Logging out');
  dispatcher.end('logout');
  return ok('Bye');
}
