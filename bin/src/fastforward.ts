// fastforward(1).
import { run } from '@q/cli';
import { fastforwardMain } from '@q/forward';

run(
  {
    name: 'fastforward',
    summary: 'forwards mail according to a forwarding database',
    synopsis: '[-nNpPdD] data.cdb',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Run it from .qmail-default. Environment: RECIPIENT; with -d DEFAULT, EXT, HOST; SENDER, DTLINE.\\n' +
      'Exit codes: 0 forwarded, 99 forwarded with -p, 100 unknown or refused, 111 try again.',
  },
  fastforwardMain,
);
