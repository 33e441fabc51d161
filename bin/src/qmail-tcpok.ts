// qmail-tcpok(8).
import { tcpokMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-tcpok',
    summary: 'forgets which hosts did not answer',
    synopsis: '',
    usageExit: 111,
    notes: 'Run it as root or qmailr. Exit codes: 0, 111.',
  },
  tcpokMain,
);
