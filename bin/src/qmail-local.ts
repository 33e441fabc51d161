// qmail-local(8).
import { run } from '@q/cli';
import { localMain } from '@q/local';

run(
  {
    name: 'qmail-local',
    summary: 'delivers the message on fd 0 to one recipient, as that recipient',
    synopsis: '[-nN] [--] user homedir local dash ext domain sender aliasempty',
    options: {
      n: { type: 'boolean', describe: 'describe the deliveries instead of making them' },
      N: { type: 'boolean', describe: 'make the deliveries (the default)' },
      worker: { type: 'boolean', describe: 'make many deliveries; only qmail-lspawn can use it' },
    },
    max: 8,
    notes: 'Exit codes: 0 delivered, 100 permanent failure, 111 try again. See qmail-local(8).',
  },
  localMain,
);
