// qmail-qmqpd(8).
import { run } from '@q/cli';
import { listenFlags, qmqpdMain } from '@q/qmtp-programs';

run(
  {
    name: 'qmail-qmqpd',
    summary:
      'receive a message by QMQP from a host of ours, on fds 0 and 1 or on addresses of its own',
    synopsis: '[--listen HOST:PORT --rules CDB]',
    options: listenFlags,
    quietFaults: true, // under inetd stderr is the client; the server logs where it is safe
    notes:
      'Takes every message to everywhere: let only your own hosts connect.\n' +
      'Exit codes: 0 when the client is done, 100 when it does not speak QMQP, 111 in trouble.\n' +
      'Environment: QMAILHOME, QMAILQUEUE, TCPREMOTEIP...',
  },
  qmqpdMain,
);
