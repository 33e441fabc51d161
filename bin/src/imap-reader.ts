// imap-reader(8).
import { run } from '@q/cli';
import { imapReaderMain } from '@q/imapd';

run(
  {
    name: 'imap-reader',
    summary: 'reads messages for imapd, as a thread of its process',
    synopsis: '',
    notes: 'imapd starts it when it needs it; by itself it ends with exit code 100.',
  },
  imapReaderMain,
);
