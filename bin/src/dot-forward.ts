// dot-forward(1).
import { run } from '@q/cli';
import { dotForwardMain } from '@q/forward';

run(
  {
    name: 'dot-forward',
    summary: 'forwards mail according to .forward files',
    synopsis: '[-nN] file ...',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Run it from .qmail. Environment: USER, HOST, NEWSENDER, DTLINE.\\n' +
      'Exit codes: 0 deliver to the user, 99 delivered, 100 refused, 111 try again.',
  },
  dotForwardMain,
);
