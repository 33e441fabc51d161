// Commands on the messages of the selected mailbox, and those that bring messages.

import type { CommandTable } from '../session.ts';
import { appendRow } from './append.ts';
import { copyRow } from './copy.ts';
import { expungeRow, uidExpungeRow } from './expunge.ts';
import { fetchRow } from './fetch.ts';
import { replaceRow } from './replace.ts';
import { closeRow, selectRow, unselectRow } from './select.ts';
import { storeRow } from './store.ts';

export const messageCommands: CommandTable = {
  SELECT: selectRow(false),
  EXAMINE: selectRow(true),
  CLOSE: closeRow,
  UNSELECT: unselectRow,
  FETCH: fetchRow(false),
  'UID FETCH': fetchRow(true),
  STORE: storeRow(false),
  'UID STORE': storeRow(true),
  COPY: copyRow('copy', false),
  'UID COPY': copyRow('copy', true),
  MOVE: copyRow('move', false),
  'UID MOVE': copyRow('move', true),
  EXPUNGE: expungeRow,
  'UID EXPUNGE': uidExpungeRow,
  APPEND: appendRow,
  REPLACE: replaceRow(false),
  'UID REPLACE': replaceRow(true),
};
