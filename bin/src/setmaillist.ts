// setmaillist(1).
import { run } from '@q/cli';
import { setmaillistMain } from '@q/forward';

run(
  {
    name: 'setmaillist',
    summary: 'makes a binary mailing list of lines on standard input',
    synopsis: 'list.bin list.tmp',
    min: 2,
    notes: 'Exit codes: 0, 100, 111.',
  },
  setmaillistMain,
);
