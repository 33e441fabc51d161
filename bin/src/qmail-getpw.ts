// qmail-getpw(8).
import { run } from '@q/cli';
import { getpwMain } from '@q/local';

run(
  {
    name: 'qmail-getpw',
    summary: 'prints which account of the host a local part belongs to',
    synopsis: 'local',
    min: 1,
    max: 2,
    rawArgs: true,
    notes:
      'Exit codes: 0 found, 100 wrong call, 111 trouble, 115 a home directory cannot be looked at, ' +
      '116 no alias user, 118 the account database cannot be asked. See qmail-getpw(8).',
  },
  getpwMain,
);
