import { run } from '@q/cli';
import { vchattrMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vchattr',
    summary: 'Changes one attribute of virtual users.',
    synopsis: '-cEepQqz value user ...',
    min: 2,
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    dashEnds: true,
    options: {
      msgcount: { alias: 'c', type: 'boolean', describe: 'most messages in the mailbox' },
      enabled: {
        alias: 'E',
        type: 'boolean',
        describe: '1 or 0: mail is delivered to the mailbox',
      },
      expiry: { alias: 'e', type: 'boolean', describe: 'Unix time when the account expires' },
      personal: { alias: 'p', type: 'boolean', describe: 'personal information' },
      hardquota: { alias: 'Q', type: 'boolean', describe: 'most bytes in the mailbox' },
      softquota: { alias: 'q', type: 'boolean', describe: 'bytes from where on to warn' },
      msgsize: { alias: 'z', type: 'boolean', describe: 'bytes of the largest message' },
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes:
      'A value that begins with "-" is no limit; write -- before it.\nExit: the number of errors. Works in $HOME.',
  },
  vchattrMain,
);
