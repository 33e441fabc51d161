// qmail-pw2u(8).
import { pw2uMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-pw2u',
    summary: 'makes address assignments from a passwd file on standard input',
    synopsis: '[-/ohHuUC] [-cchar]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Files: users/include, exclude, mailnames, subusers, append. Exit codes: 0, 100, 111.',
  },
  pw2uMain,
);
