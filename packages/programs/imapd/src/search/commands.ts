// SEARCH, SORT and THREAD.

import type { CommandTable } from '../session.ts';

export const searchCommands: CommandTable = {};
