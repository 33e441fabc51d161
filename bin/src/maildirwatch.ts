// maildirwatch(1).
import { run } from '@q/cli';
import { maildirwatchMain } from '@q/maildirs';

run(
  {
    name: 'maildirwatch',
    summary: 'shows twice a minute what is new in a maildir',
    synopsis: '[--once] [--every seconds]',
    options: {
      once: { type: 'boolean', describe: 'show it once and end, without clearing the window' },
      every: { type: 'number', describe: 'seconds between two summaries (30)' },
    },
    notes: 'Environment: MAILDIR the maildir.',
  },
  maildirwatchMain,
);
