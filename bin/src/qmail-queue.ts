// qmail-queue(8).
import { run } from '@q/cli';
import { queueMain } from '@q/queue';

run(
  {
    name: 'qmail-queue',
    summary: 'queues a mail message for delivery',
    synopsis: '[--listen unix:[path] [--lifeline fd]]',
    options: {
      listen: {
        type: 'string',
        describe: 'unix:PATH; "unix:" alone is QMAILHOME/run/queue.socket',
      },
      lifeline: { type: 'number', describe: 'stop serving at end of file on this descriptor' },
    },
    notes:
      'Without options: message on descriptor 0, envelope on descriptor 1. Exit codes: qmail-queue(8).',
  },
  queueMain,
);
