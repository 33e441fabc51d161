// qail(1).
import { run } from '@q/cli';
import { qailMain } from '@q/maildirs';

run(
  {
    name: 'qail',
    summary: 'moves new mail from a maildir to an mbox file, then runs Mail',
    synopsis: '[ arg ... ]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Environment: MAILDIR MAIL MAILTMP, see maildir2mbox(1).',
  },
  qailMain,
);
