// iftoccfrom(1).
import { run } from '@q/cli';
import { iftoccfromMain } from '@q/filters';

run(
  {
    name: 'iftoccfrom',
    summary: 'asks whether an address is in To, Cc or From',
    synopsis: '[ addr ... ]',
    min: 0,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Environment: RECIPIENT, asked for if there is no addr.\\nExit: 0 it is, 100 it is not, 111 try again.',
  },
  iftoccfromMain,
);
