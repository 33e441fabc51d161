// mailq(1): sendmail by another name.
import { run } from '@q/cli';
import { sendmailMain } from '@q/sendmail';

run(
  {
    name: 'mailq',
    summary: 'lists the messages in the queue',
    synopsis: '',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Runs qmail-qread; options are ignored. Exit codes: those of qmail-qread; 111.',
  },
  sendmailMain,
);
