// qmail-qread(8).
import { qreadMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-qread',
    summary: 'lists queued messages and their recipients',
    synopsis: '[--json]',
    options: { json: { type: 'boolean', describe: 'one JSON object a message' } },
    usageExit: 111,
    notes: 'Run it as root or qmails. Exit codes: 0, 111.',
  },
  qreadMain,
);
