// imapd(8).
import { run } from '@q/cli';
import { imapdFlags, imapdMain } from '@q/imapd';

run(
  {
    name: 'imapd',
    summary:
      'lets an IMAP client read and keep mail in a maildir; with --listen it is a whole IMAP service',
    synopsis: '[--listen address ...] [--tls-listen address ...] [maildir]',
    options: imapdFlags,
    max: 1,
    usageExit: 1,
    notes:
      'Exit codes: 0 after a session; 1 refused to serve; 100, 111 service not started. See imapd(8).',
  },
  imapdMain,
);
