// qmail-remote(8).
import { run } from '@q/cli';
import { remoteMain } from '@q/remote';

run(
  {
    name: 'qmail-remote',
    summary:
      'sends the message on fd 0 by SMTP and prints a report for each recipient and the message',
    synopsis: 'host sender recipient [recipient ...]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Always exits 0: the reports tell what happened. See qmail-remote(8).',
  },
  remoteMain,
);
