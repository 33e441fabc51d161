import { checkvpwMain } from '@q/checkvpw';
import { run } from '@q/cli';

run(
  {
    name: 'checkvpw',
    summary: 'Checks a password read from descriptor 3 and becomes PROGRAM as that user.',
    synopsis: 'program [argument ...]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    quietFaults: true,
    usageExit: 2,
    notes:
      'Exit: 1 login refused, 2 misused, 111 temporary error; else what PROGRAM exits.\n' +
      'Files: control/locals, control/virtualdomains, ~/passwd.cdb, /etc/vmailmgr/*, ~/.vmailmgr/*.',
  },
  checkvpwMain,
);
