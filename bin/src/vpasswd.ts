import { run } from '@q/cli';
import { vpasswdMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vpasswd',
    summary: 'Changes the password of a virtual user.',
    synopsis: '[--digests] [--json] [--quiet] user',
    min: 1,
    usageExit: 1,
    dashEnds: true,
    options: {
      digests: {
        type: 'boolean',
        describe: 'store the password in clear, for APOP, CRAM-MD5 and SCRAM',
      },
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes:
      'The password is asked for on a terminal, else it is the first line of stdin.\n' +
      'Exit: 0, or 1 if nothing was changed. Works in $HOME.',
  },
  vpasswdMain,
);
