// condredirect(1).
import { run } from '@q/cli';
import { condredirectMain } from '@q/filters';

run(
  {
    name: 'condredirect',
    summary: 'sends the message elsewhere if a program says so',
    synopsis: 'newaddress program [ arg ... ]',
    min: 2,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Environment: SENDER DTLINE, as set by qmail-local; QMAILQUEUE.\\nExit: 99 redirected, 0 the program did not exit 0, 100 refused, 111 try again.',
  },
  condredirectMain,
);
