// printforward(1).
import { run } from '@q/cli';
import { printforwardMain } from '@q/forward';

run(
  {
    name: 'printforward',
    summary: 'prints the instructions of a forwarding database on standard input',
    synopsis: '',
    notes: 'Exit codes: 0, 100, 111.',
  },
  printforwardMain,
);
