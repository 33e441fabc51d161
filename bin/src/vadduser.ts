import { run } from '@q/cli';
import { vadduserMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vadduser',
    summary: 'Adds a user to the virtual domain of the account that runs it.',
    synopsis: '[options] user [alias ...]',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    dashEnds: true,
    options: {
      msgcount: { alias: 'c', type: 'string', describe: 'most messages in the mailbox' },
      'no-mailbox': { alias: 'D', type: 'boolean', describe: 'make no mailbox' },
      directory: { alias: 'd', type: 'string', describe: 'the mailbox, below $HOME' },
      expiry: { alias: 'e', type: 'string', describe: 'seconds until the account expires' },
      forward: { alias: 'f', type: 'string', array: true, describe: 'forward there as well' },
      digests: {
        type: 'boolean',
        describe: 'store the password in clear, for APOP, CRAM-MD5 and SCRAM',
      },
      password: { type: 'string', describe: 'store this hash' },
      'no-password': { alias: 'P', type: 'boolean', describe: 'no login' },
      personal: { alias: 'p', type: 'string', describe: 'personal information' },
      hardquota: { alias: 'Q', type: 'string', describe: 'most bytes in the mailbox' },
      softquota: { alias: 'q', type: 'string', describe: 'bytes from where on to warn' },
      msgsize: { alias: 'z', type: 'string', describe: 'bytes of the largest message' },
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes:
      'The password is asked for on a terminal, else it is the first line of stdin.\n' +
      'Exit: 0, or 1 if the user was not added. Works in $HOME.',
  },
  vadduserMain,
);
