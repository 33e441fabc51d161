import { run } from '@q/cli';
import { listvdomainMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'listvdomain',
    summary: 'Lists the users of the virtual domain of the account that runs it.',
    synopsis: '[-a | -u] [--json] [user ...]',
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    dashEnds: true,
    options: {
      aliases: { alias: 'a', type: 'boolean', describe: 'only those without a mailbox' },
      users: { alias: 'u', type: 'boolean', describe: 'only those with a mailbox' },
      json: { type: 'boolean', describe: 'one JSON object a user' },
      quiet: { type: 'boolean', describe: 'no error texts' },
    },
    notes: 'Exit: 0, or 1 if a user does not exist. Works in $HOME.',
  },
  listvdomainMain,
);
