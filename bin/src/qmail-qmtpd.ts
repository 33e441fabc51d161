// qmail-qmtpd(8).
import { run } from '@q/cli';
import { listenFlags, qmtpdMain } from '@q/qmtp-programs';

run(
  {
    name: 'qmail-qmtpd',
    summary: 'receive mail by QMTP, on fds 0 and 1 or on addresses of its own',
    synopsis: '[--listen HOST:PORT]...',
    options: listenFlags,
    quietFaults: true, // under inetd stderr is the client; the server logs where it is safe
    notes:
      'Exit codes: 0 when the client is done, 100 when it does not speak QMTP, 111 in trouble.\n' +
      'Environment: QMAILHOME, QMAILQUEUE, RELAYCLIENT, DATABYTES, TCPREMOTEIP...\n' +
      'Files: control/rcpthosts, morercpthosts.cdb, databytes.',
  },
  qmtpdMain,
);
