// newaliases(1).
import { run } from '@q/cli';
import { newaliasesMain } from '@q/forward';

run(
  {
    name: 'newaliases',
    summary: 'makes a forwarding database of /etc/aliases',
    synopsis: '[file]',
    max: 1,
    notes: 'Writes FILE.cdb. Exit codes: 0, 100, 111.',
  },
  newaliasesMain,
);
