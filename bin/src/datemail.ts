// datemail(1).
import { run } from '@q/cli';
import { datemailMain } from '@q/inject';

run(
  {
    name: 'datemail',
    summary: 'sendmail, with a Date field in local time',
    synopsis: '[sendmail argument ...]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Exit codes are those of sendmail.',
  },
  datemailMain,
);
