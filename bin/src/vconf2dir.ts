import { run } from '@q/cli';
import { vconf2dirMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vconf2dir',
    summary: 'Turns an old configuration file of VMailMgr into a directory of settings.',
    synopsis: 'configuration-file configuration-dir',
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    notes: 'Exit: 0, or 1 if nothing or not all was written.',
  },
  vconf2dirMain,
);
