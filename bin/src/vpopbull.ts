import { run } from '@q/cli';
import { vpopbullMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vpopbull',
    summary: 'Puts new bulletins into the mailbox of a virtual user who logs in.',
    synopsis: '[-l | -s] [--quiet] dir ... [-- program [arg ...]]',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    options: {
      link: { alias: 'l', type: 'boolean', describe: 'make hard links' },
      symlink: { alias: 's', type: 'boolean', describe: 'make symbolic links (default)' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes: 'Exit: 0, 1 wrong call or environment, 111 try again later. Environment: HOME MAILDIR.',
  },
  vpopbullMain,
);
