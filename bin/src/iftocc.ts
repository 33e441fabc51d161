// iftocc(1).
import { run } from '@q/cli';
import { iftoccMain } from '@q/filters';

run(
  {
    name: 'iftocc',
    summary: 'asks whether an address is in To or Cc',
    synopsis: '[ okaddr ... ]',
    min: 0,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Environment: RECIPIENT, asked for if there is no okaddr.\\nExit: 0 it is, 100 it is not, 111 try again.',
  },
  iftoccMain,
);
