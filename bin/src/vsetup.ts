import { run } from '@q/cli';
import { vsetupMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vsetup',
    summary: 'Prepares the account that runs it for its virtual domain.',
    synopsis: '[--json] [--quiet]',
    usageExit: 1,
    options: {
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes: 'Exit: 0, or 1 if something could not be done. Works in $HOME.',
  },
  vsetupMain,
);
