// elq(1).
import { run } from '@q/cli';
import { elqMain } from '@q/maildirs';

run(
  {
    name: 'elq',
    summary: 'moves new mail from a maildir to an mbox file, then runs elm',
    synopsis: '[ arg ... ]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Environment: MAILDIR MAIL MAILTMP, see maildir2mbox(1).',
  },
  elqMain,
);
