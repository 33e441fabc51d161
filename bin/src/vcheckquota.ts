import { run } from '@q/cli';
import { vcheckquotaMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vcheckquota',
    summary:
      'Refuses a message that brings a virtual user over a limit; run from vdeliver-predeliver.',
    synopsis: '[-a size] [-m file]',

    usageExit: 111,
    options: {
      'soft-maxsize': {
        alias: 'a',
        type: 'string',
        describe: 'bytes that still come in over the soft quota (4096)',
      },
      'soft-message': { alias: 'm', type: 'string', describe: 'warning to put into the mailbox' },
    },
    notes:
      'Exit: 0 go on, 100 bounce, 111 try again later.\nEnvironment: MAILDIR VUSER_MSGSIZE VUSER_MSGCOUNT VUSER_HARDQUOTA VUSER_SOFTQUOTA.',
  },
  vcheckquotaMain,
);
