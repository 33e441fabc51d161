// replier(1).
import { run } from '@q/cli';
import { replierMain } from '@q/filters';

run(
  {
    name: 'replier',
    summary: 'answers a message by itself, once for each sender',
    synopsis: '[-d days] [-m memory] [-a address] ... textfile',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Environment: SENDER RECIPIENT, as set by qmail-local; QMAILQUEUE.\\nExit: 0 with or without a reply, 100 wrong call, 111 try again.',
  },
  replierMain,
);
