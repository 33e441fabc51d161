// vauthenticate(8).
import { run } from '@q/cli';
import { vauthenticateMain } from '@q/vmail-services';

run(
  {
    name: 'vauthenticate',
    summary: 'Says whose mailbox a domain, name and password on descriptor 0 open.',
    synopsis: '',
    quietFaults: true,
    usageExit: 2,
    notes: 'Exit: 0 six lines on stdout, 1 refused, 2 bad input, 111 temporary error.',
  },
  vauthenticateMain,
);
