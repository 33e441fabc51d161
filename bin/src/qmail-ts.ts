import { frontDoorMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-ts',
    summary: 'the front door: run a private instance, or prepare a host',
    synopsis: 'COMMAND [options]',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    notes:
      'Commands:\n' +
      '  start   run a private instance in the foreground, with a demo domain, until Ctrl-C\n' +
      '  setup   prepare this host: users, groups, QMAILHOME, the first control files (as root)\n' +
      '"qmail-ts COMMAND --help" lists a command\'s options.',
  },
  frontDoorMain,
);
