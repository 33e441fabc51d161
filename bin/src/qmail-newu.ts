// qmail-newu(8).
import { newuMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-newu',
    summary: 'makes users/cdb from users/assign',
    synopsis: '',
    usageExit: 111,
    notes: 'Exit codes: 0, 111.',
  },
  newuMain,
);
