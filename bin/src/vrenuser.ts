import { run } from '@q/cli';
import { vrenuserMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vrenuser',
    summary: 'Gives a virtual user another name, and moves the mailbox.',
    synopsis: '[-a] [--json] [--quiet] user name',
    min: 2,
    usageExit: 1,
    dashEnds: true,
    options: {
      alias: { alias: 'a', type: 'boolean', describe: 'leave an alias of the old name' },
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes: 'Exit: 0, or 1 if nothing was changed. Works in $HOME.',
  },
  vrenuserMain,
);
