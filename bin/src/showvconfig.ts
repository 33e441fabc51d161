import { run } from '@q/cli';
import { showvconfigMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'showvconfig',
    summary: 'Shows the settings that hold for the virtual domain of the account that runs it.',
    synopsis: '[--json]',

    usageExit: 1,
    options: {
      json: { type: 'boolean', describe: 'print JSON' },
    },
    notes: 'Exit: 0, or 1 if a setting cannot be read. Works in $HOME.',
  },
  showvconfigMain,
);
