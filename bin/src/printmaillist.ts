// printmaillist(1).
import { run } from '@q/cli';
import { printmaillistMain } from '@q/forward';

run(
  {
    name: 'printmaillist',
    summary: 'prints a binary mailing list on standard input',
    synopsis: '',
    notes: 'Exit codes: 0, 100, 111.',
  },
  printmaillistMain,
);
