// splogger(8).
import { run } from '@q/cli';
import { sploggerMain } from '@q/host';

run(
  {
    name: 'splogger',
    summary: 'passes the lines of its input on to syslog',
    synopsis: '[--socket path] [tag [facility]]',
    options: {
      socket: { type: 'string', describe: 'where the syslog daemon listens (/dev/log)' },
    },
    max: 2,
    notes: 'The facility is a number, 2 (mail) if it is not given.',
  },
  sploggerMain,
);
