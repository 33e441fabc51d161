// mbox2maildir(1).
import { run } from '@q/cli';
import { mbox2maildirMain } from '@q/maildirs';

run(
  {
    name: 'mbox2maildir',
    summary: 'copies the messages of an mbox file into a maildir',
    synopsis: '[-eo] mbox maildir',
    options: {
      e: { type: 'boolean', describe: 'empty the mbox file then' },
      o: { type: 'boolean', describe: 'the file is mboxo: only ">From " is quoted' },
    },
    min: 2,
    max: 2,
    notes: 'Exit: 0 all copied, 100 not an mbox file, 111 trouble: the file was not changed.',
  },
  mbox2maildirMain,
);
