import { run } from '@q/cli';
import { dumpvuserMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'dumpvuser',
    summary: 'Shows all of the record of a virtual user.',
    synopsis: '[--json] [--quiet] user',
    min: 1,
    usageExit: 1,
    dashEnds: true,
    options: {
      json: { type: 'boolean', describe: 'print JSON' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes: 'Exit: 0, or 1 if there is no such user. Works in $HOME.',
  },
  dumpvuserMain,
);
