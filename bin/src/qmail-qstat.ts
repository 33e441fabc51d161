// qmail-qstat(8).
import { qstatMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-qstat',
    summary: 'counts queued messages',
    synopsis: '[--json]',
    options: { json: { type: 'boolean', describe: 'one JSON object' } },
    usageExit: 111,
    notes: 'Run it as root or qmails. Exit codes: 0, 111.',
  },
  qstatMain,
);
