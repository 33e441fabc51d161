// SEARCH, SORT and THREAD.

import type { CommandTable } from '../session.ts';
import { cancelUpdate } from './context.ts';
import { search, sort } from './search-command.ts';
import { thread } from './thread-command.ts';

export const searchCommands: CommandTable = {
  SEARCH: { state: 'selected', tellsExpunged: false, run: search },
  'UID SEARCH': { state: 'selected', tellsExpunged: true, run: search },
  SORT: { state: 'selected', tellsExpunged: false, run: sort },
  'UID SORT': { state: 'selected', tellsExpunged: true, run: sort },
  THREAD: { state: 'selected', tellsExpunged: false, run: thread },
  'UID THREAD': { state: 'selected', tellsExpunged: true, run: thread },
  CANCELUPDATE: { state: 'selected', tellsExpunged: true, run: cancelUpdate },
};
