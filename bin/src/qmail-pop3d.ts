// qmail-pop3d(8).
import { run } from '@q/cli';
import { pop3dFlags, pop3dMain } from '@q/pop3d';

run(
  {
    name: 'qmail-pop3d',
    summary: 'lets a POP3 client read a maildir; with --listen it is a whole POP3 service',
    synopsis: '[--listen address ...] [--tls-listen address ...] [maildir]',
    options: pop3dFlags,
    max: 1,
    usageExit: 1,
    notes:
      'Exit codes: 0 after a session; 1 refused to serve; 100, 111 service not started. See qmail-pop3d(8).',
  },
  pop3dMain,
);
