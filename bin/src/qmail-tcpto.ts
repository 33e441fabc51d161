// qmail-tcpto(8).
import { tcptoMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-tcpto',
    summary: 'lists hosts that lately did not answer',
    synopsis: '[--json]',
    options: { json: { type: 'boolean', describe: 'one JSON object a host' } },
    usageExit: 111,
    notes: 'Run it as root or qmailr. Exit codes: 0, 111.',
  },
  tcptoMain,
);
