// except(1).
import { run } from '@q/cli';
import { exceptMain } from '@q/filters';

run(
  {
    name: 'except',
    summary: 'turns the answer of a program round',
    synopsis: 'program [ arg ... ]',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Exit: 100 the program exited 0, 0 it did not, 111 try again.',
  },
  exceptMain,
);
