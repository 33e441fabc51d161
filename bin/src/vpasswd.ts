import { run } from '@q/cli';
import { vpasswdMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vpasswd',
    summary: 'Changes the password of a virtual user.',
    synopsis: '[--quiet] user',
    min: 1,
    usageExit: 1,
    options: { quiet: { type: 'boolean', describe: 'say nothing' } },
    notes:
      'The password is asked for on a terminal, else it is the first line of stdin.\n' +
      'Exit: 0, or 1 if nothing was changed. Works in $HOME.',
  },
  vpasswdMain,
);
