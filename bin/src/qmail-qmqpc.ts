// qmail-qmqpc(8).
import { run } from '@q/cli';
import { qmqpcMain } from '@q/qmtp-programs';

run(
  {
    name: 'qmail-qmqpc',
    summary: 'queues a mail message on another host, by QMQP',
    synopsis: '',
    notes:
      'Message on descriptor 0, envelope on descriptor 1. Exit codes: qmail-qmqpc(8).\n' +
      'Files: control/qmqpservers. Environment: QMAILHOME, TMPDIR.',
  },
  qmqpcMain,
);
