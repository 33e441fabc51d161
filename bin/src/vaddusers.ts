import { run } from '@q/cli';
import { vaddusersMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vaddusers',
    summary: 'Adds the users on standard input, one a line: USER PASSWORD [ALIAS ...].',
    synopsis: '[--digests | --hashed] [--json] [--quiet]',

    usageExit: 1,
    options: {
      digests: {
        type: 'boolean',
        describe: 'store the passwords in clear, for APOP, CRAM-MD5 and SCRAM',
      },
      hashed: { type: 'boolean', describe: 'the second word of a line is a hash to be stored' },
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes: 'Exit: 0, or 1 if there were errors. Works in $HOME.',
  },
  vaddusersMain,
);
