// qbiff(1).
import { run } from '@q/cli';
import { qbiffMain } from '@q/filters';

run(
  {
    name: 'qbiff',
    summary: 'announces a message on the terminals of the user',
    synopsis: '',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Environment: USER LOCAL SENDER, as set by qmail-local.\nExit: always 0.',
  },
  (invocation) => qbiffMain(invocation),
);
