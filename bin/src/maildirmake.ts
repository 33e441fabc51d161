// maildirmake(1).
import { run } from '@q/cli';
import { maildirmakeMain } from '@q/maildirs';

run(
  {
    name: 'maildirmake',
    summary: 'makes a maildir, or a folder in one',
    synopsis: '[-S] [-q quota] [-f folder [-s access]] name',
    options: {
      f: { type: 'string', describe: 'make this folder in the maildir' },
      q: { type: 'string', describe: 'set the quota, such as 10000000S,1000C' },
      S: { type: 'boolean', describe: 'others may look for folders in it' },
      s: {
        type: 'string',
        describe: 'with -f: read or write, for all or, with ",group", the group',
      },
    },
    min: 1,
    max: 1,
    notes: 'Exit: 0 made, 100 wrong call, 111 it could not be made.',
  },
  maildirmakeMain,
);
