// bouncesaying(1).
import { run } from '@q/cli';
import { bouncesayingMain } from '@q/filters';

run(
  {
    name: 'bouncesaying',
    summary: 'bounces the message with a text, always or if a program says so',
    synopsis: 'error [ program [ arg ... ] ]',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Exit: 100 bounce, 0 the program did not exit 0, 111 try again.',
  },
  bouncesayingMain,
);
