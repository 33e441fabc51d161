import { run } from '@q/cli';
import { vaddaliasMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vaddalias',
    summary: 'Adds an alias to the virtual domain of the account that runs it.',
    synopsis: 'virtuser dest [dest ...]',
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    options: {
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
    },
    notes: 'Exit: 0, or 1 if the alias was not added. Works in $HOME.',
  },
  vaddaliasMain,
);
