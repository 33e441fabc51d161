// newinclude(1).
import { run } from '@q/cli';
import { newincludeMain } from '@q/forward';

run(
  {
    name: 'newinclude',
    summary: 'makes a binary mailing list of an :include: file',
    synopsis: 'list',
    min: 1,
    notes: 'Writes LIST.bin. Exit codes: 0, 100, 111.',
  },
  newincludeMain,
);
