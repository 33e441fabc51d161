// setforward(1).
import { run } from '@q/cli';
import { setforwardMain } from '@q/forward';

run(
  {
    name: 'setforward',
    summary: 'makes a forwarding database of instructions on standard input',
    synopsis: 'data.cdb data.tmp',
    min: 2,
    notes: 'Exit codes: 0, 100, 111.',
  },
  setforwardMain,
);
