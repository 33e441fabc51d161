// ifaddr(1).
import { run } from '@q/cli';
import { ifaddrMain } from '@q/filters';

run(
  {
    name: 'ifaddr',
    summary: 'asks whether an address or domain is in some header fields',
    synopsis: '[ field ... : ] [ addr ... ]',
    min: 0,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Environment: RECIPIENT, asked for if there is no addr.\\nExit: 0 it is, 100 it is not, 111 try again.',
  },
  ifaddrMain,
);
