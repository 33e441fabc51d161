// sendmail(8).
import { run } from '@q/cli';
import { sendmailMain } from '@q/sendmail';

run(
  {
    name: 'sendmail',
    summary: 'sends a mail message; the command that programs expect',
    synopsis: '[-t] [-f sender] [-F name] [-bp | -bs | -bi] [recipient ...]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      '-r is -f, -I is -bi, -bm the default. For the rest see sendmail(8): -q, -vimxncGUEJ, and with\n' +
      'a value -oepBNRVOLXAh. Exit codes: those of qmail-inject; 100, 111.\n' +
      'Called as mailq it lists the queue, as newaliases it runs newaliases.',
  },
  sendmailMain,
);
