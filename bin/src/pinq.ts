// pinq(1).
import { run } from '@q/cli';
import { pinqMain } from '@q/maildirs';

run(
  {
    name: 'pinq',
    summary: 'moves new mail from a maildir to an mbox file, then runs pine',
    synopsis: '[ arg ... ]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Environment: MAILDIR MAIL MAILTMP, see maildir2mbox(1).',
  },
  pinqMain,
);
