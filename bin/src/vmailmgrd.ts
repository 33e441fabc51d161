// vmailmgrd(8).
import { run } from '@q/cli';
import { serviceFlags, vmailmgrdMain } from '@q/vmail-services';

run(
  {
    name: 'vmailmgrd',
    summary: 'administers virtual domains for programs that ask over a socket',
    synopsis: '[-dDvV] [--listen address ...]',
    options: {
      ...serviceFlags,
      d: { type: 'boolean', describe: 'log only requests that fail' },
      D: { type: 'boolean', describe: 'log all requests (default)' },
      v: { type: 'boolean', describe: 'log requests and replies (default)' },
      V: { type: 'boolean', describe: 'log also who asked and what was found' },
    },
    notes:
      'Without --listen: one request on descriptors 0 and 1. --listen default is the setting socket-file.\n' +
      'Exit codes: 0 answered; 1 no request; 100, 111 not started. See vmailmgrd(8).',
  },
  vmailmgrdMain,
);
