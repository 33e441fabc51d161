// mailsubj(1).
import { run } from '@q/cli';
import { mailsubjMain } from '@q/inject';

run(
  {
    name: 'mailsubj',
    summary: 'sends the text on standard input as a message with a subject',
    synopsis: 'subject recipient ...',
    min: 2,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Exit codes are those of qmail-inject: 0, 100, 111.',
  },
  mailsubjMain,
);
