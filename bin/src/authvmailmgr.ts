// authvmailmgr(8).
import { run } from '@q/cli';
import { authvmailmgrMain } from '@q/vmail-services';

run(
  {
    name: 'authvmailmgr',
    summary: 'Authenticates virtual users in the module chain of Courier-IMAP 1.x to 3.x.',
    synopsis: 'program [argument ...]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    quietFaults: true,
    usageExit: 1,
    notes:
      'Reads service, type, user and password from descriptor 3. Exit: 1 AUTHFAILURE, else what PROGRAM exits.',
  },
  authvmailmgrMain,
);
