// Commands on the messages of the selected mailbox, and those that bring messages.

import type { CommandTable } from '../session.ts';

export const messageCommands: CommandTable = {};
