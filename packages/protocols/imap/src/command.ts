// Commands as typed values: one row a command, RFC 9051 section 6 and the extensions.

import { textOf } from '@q/bytes';
import { bad, CommandError } from './command-error.ts';
import { mailboxArgument, sequenceSetArgument } from './common-arguments.ts';
import { CommandCursor } from './cursor.ts';
import * as extension from './extension-command.ts';
import { TAG_MAX } from './limits.ts';
import * as mailbox from './mailbox-command.ts';
import * as message from './message-command.ts';
import { type CommandPiece, tagOf } from './reader-event.ts';
import { searchArguments, sortArguments, threadArguments } from './search-command.ts';

const none = (): Record<never, never> => ({});

const oneMailbox = (cursor: CommandCursor) => {
  cursor.space();
  return { mailbox: mailboxArgument(cursor) };
};

/** Each reads all arguments, the space before the first included. */
const ROWS = {
  CAPABILITY: none,
  NOOP: none,
  LOGOUT: none,
  STARTTLS: none,
  ID: (cursor: CommandCursor) => ({ fields: extension.idArguments(cursor) }),
  // authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] (RFC 4959: "=" is an empty one)
  AUTHENTICATE: (cursor: CommandCursor) => {
    cursor.space();
    const mechanism = cursor.atom().toUpperCase();
    const initial = cursor.tryText(' ') ? cursor.base64() : undefined;
    return { mechanism, initial };
  },
  // Passwords in quoted strings have 8-bit bytes in many clients, whatever the grammar says.
  LOGIN: (cursor: CommandCursor) => {
    cursor.space();
    const user = cursor.astring({ eightBit: true });
    cursor.space();
    return { user, password: cursor.astring({ eightBit: true }) };
  },
  ENABLE: (cursor: CommandCursor) => ({ capabilities: extension.enableArguments(cursor) }),
  SELECT: mailbox.selectArguments,
  EXAMINE: mailbox.selectArguments,
  CREATE: mailbox.createArguments,
  DELETE: oneMailbox,
  RENAME: (cursor: CommandCursor) => {
    const { mailbox: from } = oneMailbox(cursor);
    return { from, to: oneMailbox(cursor).mailbox };
  },
  SUBSCRIBE: oneMailbox,
  UNSUBSCRIBE: oneMailbox,
  LIST: mailbox.listArguments,
  LSUB: mailbox.lsubArguments,
  NAMESPACE: none,
  STATUS: (cursor: CommandCursor) => {
    const { mailbox: name } = oneMailbox(cursor);
    cursor.space();
    return { mailbox: name, items: mailbox.statusItems(cursor) };
  },
  APPEND: message.appendArguments,
  IDLE: none,
  CHECK: none,
  CLOSE: none,
  UNSELECT: none,
  EXPUNGE: none,
  SEARCH: searchArguments,
  SORT: sortArguments,
  THREAD: threadArguments,
  FETCH: message.fetchArguments,
  STORE: message.storeArguments,
  COPY: message.copyArguments,
  MOVE: message.copyArguments,
  REPLACE: message.replaceArguments,
  'UID EXPUNGE': (cursor: CommandCursor) => {
    cursor.space();
    return { set: sequenceSetArgument(cursor) };
  },
  'UID SEARCH': searchArguments,
  'UID SORT': sortArguments,
  'UID THREAD': threadArguments,
  'UID FETCH': message.fetchArguments,
  'UID STORE': message.storeArguments,
  'UID COPY': message.copyArguments,
  'UID MOVE': message.copyArguments,
  'UID REPLACE': message.replaceArguments,
  // cancelupdate = "CANCELUPDATE" 1*(SP quoted) (RFC 5267)
  CANCELUPDATE: (cursor: CommandCursor) => {
    const tags: string[] = [];
    while (tags.length === 0 || !cursor.atEnd()) {
      cursor.space();
      tags.push(cursor.string());
    }
    return { tags };
  },
  COMPRESS: (cursor: CommandCursor) => {
    cursor.space();
    return { algorithm: cursor.word(['DEFLATE'], 'Unknown compression') };
  },
  GETACL: oneMailbox,
  MYRIGHTS: oneMailbox,
  SETACL: extension.setAclArguments,
  DELETEACL: extension.aclArguments,
  LISTRIGHTS: extension.aclArguments,
  GETQUOTAROOT: oneMailbox,
  GETQUOTA: (cursor: CommandCursor) => {
    cursor.space();
    return { root: cursor.astring() };
  },
  SETQUOTA: extension.setQuotaArguments,
  GETMETADATA: extension.getMetadataArguments,
  SETMETADATA: extension.setMetadataArguments,
  NOTIFY: extension.notifyArguments,
} satisfies Record<string, (cursor: CommandCursor) => object>;

export type CommandName = keyof typeof ROWS;

/** A command by its name ("UID FETCH" is one): `arguments` is what its row reads. */
export type Command = {
  [Name in CommandName]: {
    readonly name: Name;
    readonly tag: string;
    readonly arguments: ReturnType<(typeof ROWS)[Name]>;
  };
}[CommandName];

/** What is answered BAD; without tag when the command has none. `text` has nothing of the client's. */
export interface BadCommand {
  readonly name: undefined;
  readonly tag: string | undefined;
  readonly text: string;
}

/**
 * The command that `pieces` are. `utf8`: the client enabled UTF8=ACCEPT or IMAP4rev2. Whether the command is allowed
 * in the session's state is not looked at.
 */
export function parseCommand(pieces: readonly CommandPiece[], utf8: boolean): Command | BadCommand {
  return parsing(pieces, utf8, (cursor, tag, name) => {
    const row: (cursor: CommandCursor) => object = ROWS[name];
    const given = row(cursor);
    cursor.end();
    // The row is the one of this name.
    return { name, tag, arguments: given } as Command;
  });
}

/** Where the message that is announced after `pieces` shall go: to be checked before its bytes are asked for. */
export function parseAppendTarget(
  pieces: readonly CommandPiece[],
  utf8: boolean,
):
  | {
      readonly name: 'APPEND' | 'REPLACE' | 'UID REPLACE';
      readonly tag: string;
      readonly mailbox: string;
    }
  | BadCommand {
  return parsing(pieces, utf8, (cursor, tag, name) => {
    if (name !== 'APPEND' && name !== 'REPLACE' && name !== 'UID REPLACE')
      return bad('Syntax error');
    cursor.space();
    if (name !== 'APPEND') {
      if (!cursor.tryText('*')) cursor.nzNumber();
      cursor.space();
    }
    return { name, tag, mailbox: mailboxArgument(cursor) };
  });
}

/** command = tag SP name arguments; the one place where a CommandError becomes an answer. */
function parsing<Value>(
  pieces: readonly CommandPiece[],
  utf8: boolean,
  read: (cursor: CommandCursor, tag: string, name: CommandName) => Value,
): Value | BadCommand {
  const first = pieces[0];
  const start = first?.kind === 'text' ? textOf(first.bytes.subarray(0, TAG_MAX + 1)) : '';
  const tag = tagOf(start, TAG_MAX);
  if (tag === undefined) return { name: undefined, tag, text: 'Invalid tag' };
  try {
    const cursor = new CommandCursor(pieces, utf8);
    cursor.text(tag);
    cursor.text(' ', 'Missing command');
    let name = cursor.atom().toUpperCase();
    if (name === 'UID') {
      cursor.space();
      name = `UID ${cursor.atom().toUpperCase()}`;
    }
    return Object.hasOwn(ROWS, name)
      ? read(cursor, tag, name as CommandName)
      : bad('Unknown command');
  } catch (error) {
    if (error instanceof CommandError) return { name: undefined, tag, text: error.message };
    throw error;
  }
}
