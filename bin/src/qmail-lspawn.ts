// qmail-lspawn(8).
import { run } from '@q/cli';
import { lspawnMain } from '@q/local';

run(
  {
    name: 'qmail-lspawn',
    summary: 'schedules local deliveries for qmail-send: commands on fd 0, reports on fd 1',
    synopsis: 'defaultdelivery',
    min: 1,
    max: 1,
    rawArgs: true,
    notes:
      'Run by qmail-start, as root. Exit codes: 0 at the end of fd 0, 100 wrong call, 111 trouble.',
  },
  lspawnMain,
);
