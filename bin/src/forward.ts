// forward(1).
import { run } from '@q/cli';
import { forwardMain } from '@q/filters';

run(
  {
    name: 'forward',
    summary: 'sends the message on descriptor 0 on to other addresses',
    synopsis: 'address ...',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Environment: NEWSENDER DTLINE, as set by qmail-local; QMAILQUEUE.\\nExit: 0 forwarded, 100 refused, 111 try again.',
  },
  forwardMain,
);
