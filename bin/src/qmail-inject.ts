// qmail-inject(8).
import { run } from '@q/cli';
import { injectMain } from '@q/inject';

run(
  {
    name: 'qmail-inject',
    summary: 'completes the header of the message on standard input, and queues it',
    synopsis: '[-nNaAhH] [-fsender] [recipient ...]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Recipients: -a the arguments, -h the header, -H both, -A (default) the arguments if there are any.\n' +
      '-f sets the envelope sender; -n prints the message instead, -N queues it (default).\n' +
      'Environment: QMAILINJECT, QMAILUSER, QMAILHOST, QMAILNAME, QMAILQUEUE ...: see qmail-inject(8).\n' +
      'Exit codes: 0, 100 wrong call or syntax error, 111 try again later.',
  },
  injectMain,
);
