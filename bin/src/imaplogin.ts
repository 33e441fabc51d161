// imaplogin(8).
import { run } from '@q/cli';
import { imaploginMain } from '@q/imapd';

run(
  {
    name: 'imaplogin',
    summary:
      'reads an IMAP user name and password and runs a checkpassword-compatible program, or a chain of modules',
    synopsis: 'hostname subprogram [arg ...]',
    min: 2,
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    rawArgs: true,
    notes: 'Exit codes: 0 after a session or LOGOUT; 1 when nobody logged in. See imaplogin(8).',
  },
  imaploginMain,
);
