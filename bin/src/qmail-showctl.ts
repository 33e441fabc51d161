// qmail-showctl(8).
import { showctlMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-showctl',
    summary: 'describes how the mail system is set up',
    synopsis: '[--json]',
    options: { json: { type: 'boolean', describe: 'one JSON object' } },
    usageExit: 111,
    notes: 'Exit codes: 0, 111.',
  },
  showctlMain,
);
