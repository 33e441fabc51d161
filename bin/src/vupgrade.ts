import { run } from '@q/cli';
import { vupgradeMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vupgrade',
    summary: 'Brings the table of a virtual domain to the present form.',
    synopsis: '[--json] [--quiet]',

    usageExit: 1,
    options: {
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes: 'Exit: 0, or 1 if something was left as it is. Works in $HOME.',
  },
  vupgradeMain,
);
