// qmail-newmrh(8).
import { newmrhMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-newmrh',
    summary: 'makes control/morercpthosts.cdb from control/morercpthosts',
    synopsis: '',
    usageExit: 111,
    notes: 'Exit codes: 0, 111.',
  },
  newmrhMain,
);
