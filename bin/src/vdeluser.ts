import { run } from '@q/cli';
import { vdeluserMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vdeluser',
    summary: 'Deletes users and their mail from the virtual domain of the account that runs it.',
    synopsis: '[-D] [--json] [--quiet] user ...',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    dashEnds: true,
    options: {
      'no-mailbox': { alias: 'D', type: 'boolean', describe: 'refuse users with a mailbox' },
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes: 'Exit: 0, or 1 if there were errors. Works in $HOME.',
  },
  vdeluserMain,
);
