import { run } from '@q/cli';
import { vrehashMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vrehash',
    summary: 'Moves mailboxes to where the settings put them now.',
    synopsis: '[--json] [--quiet]',

    usageExit: 1,
    options: {
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes: 'Exit: 0, or 1 if a mailbox was left where it is. Works in $HOME.',
  },
  vrehashMain,
);
