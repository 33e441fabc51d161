// qmail-popup(8).
import { run } from '@q/cli';
import { popupMain } from '@q/popup';

run(
  {
    name: 'qmail-popup',
    summary: 'reads a POP3 user name and password and runs a checkpassword-compatible program',
    synopsis: 'hostname subprogram [arg ...]',
    min: 2,
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    rawArgs: true,
    notes: 'Exit codes: 0 after a session or QUIT; 1 when nobody logged in. See qmail-popup(8).',
  },
  popupMain,
);
