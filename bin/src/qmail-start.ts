// qmail-start(8).
import { run } from '@q/cli';
import { startMain } from '@q/send';

run(
  {
    name: 'qmail-start',
    summary: 'starts mail delivery',
    synopsis: '[defaultdelivery [logger arg ...]]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    usageExit: 111,
    notes:
      'Does not return: it becomes qmail-send. Any failure: one line on descriptor 2, exit code 111.\n' +
      'Environment: QMAILHOME (/var/qmail), PATH. See qmail-start(8).',
  },
  startMain,
);
