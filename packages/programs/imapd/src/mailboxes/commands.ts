// Commands on mailboxes as a whole, their names, rights, quotas and notes.

import type { CommandTable } from '../session.ts';

export const mailboxCommands: CommandTable = {};
