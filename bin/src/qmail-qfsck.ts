// qmail-qfsck(8).
import { qfsckMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-qfsck',
    summary: 'checks a queue, and repairs it',
    synopsis: '[--json] [--repair]',
    options: {
      json: { type: 'boolean', describe: 'one JSON object a finding' },
      repair: { type: 'boolean', describe: 'put it right; qmail-send must not run' },
    },
    notes:
      'After a queue was copied to another disk, --repair gives every message its new number.\n' +
      'Run it as root. Exit codes: 0 in order, 1 something is wrong, 100 wrong call, 111.',
  },
  qfsckMain,
);
