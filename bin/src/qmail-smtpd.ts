// qmail-smtpd(8).
import { run } from '@q/cli';
import { listenFlags, smtpdMain } from '@q/smtpd';

run(
  {
    name: 'qmail-smtpd',
    summary: 'receive mail by SMTP, on fds 0 and 1 or on addresses of its own',
    synopsis: '[--listen HOST:PORT]...',
    options: listenFlags,
    usageExit: 1,
    quietFaults: true, // under inetd stderr is the client; smtpdMain logs where it is safe
    notes:
      'Exit codes: 0 after QUIT, 1 after any other end of a connection.\n' +
      'Environment: QMAILHOME, QMAILQUEUE, RELAYCLIENT, DATABYTES, TCPREMOTEIP...\n' +
      'Files: control/me, smtpgreeting, rcpthosts, badmailfrom, databytes, timeoutsmtpd, localiphost.',
  },
  smtpdMain,
);
