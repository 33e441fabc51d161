// maildir2mbox(1).
import { run } from '@q/cli';
import { maildir2mboxMain } from '@q/maildirs';

run(
  {
    name: 'maildir2mbox',
    summary: 'moves the messages of a maildir to the end of an mbox file',
    synopsis: '',
    notes:
      'Environment: MAILDIR the maildir, MAIL the mbox file, MAILTMP a name beside it for the new one.\n' +
      'Exit: 0 moved, 111 trouble: nothing was changed.',
  },
  maildir2mboxMain,
);
