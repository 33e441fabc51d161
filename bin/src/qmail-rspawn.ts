// qmail-rspawn(8).
import { run } from '@q/cli';
import { rspawnMain } from '@q/remote';

run(
  {
    name: 'qmail-rspawn',
    summary: 'schedules remote deliveries for qmail-send: commands on fd 0, reports on fd 1',
    synopsis: '',
    notes: 'Run by qmail-start, as qmailr. Exit codes: 0 at the end of fd 0, 111 trouble.',
  },
  rspawnMain,
);
