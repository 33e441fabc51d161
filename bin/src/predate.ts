// predate(1).
import { run } from '@q/cli';
import { predateMain } from '@q/inject';

run(
  {
    name: 'predate',
    summary: 'runs a program on standard input with a Date field put before it',
    synopsis: 'child',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: "Exit codes: the child's, 100 wrong call, 111.",
  },
  predateMain,
);
