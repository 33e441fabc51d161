// authvmailmgr-pipe(8).
import { run } from '@q/cli';
import { vmailPipeMain } from '@q/vmail-services';

run(
  {
    name: 'authvmailmgr-pipe',
    summary: "Answers Courier's authdaemond about virtual users, as its authpipe program.",
    synopsis: '',
    quietFaults: true,
    notes:
      'Started by authdaemond as /etc/courier/authProg. Exit: 0 end of input, 111 no answer to be had.',
  },
  vmailPipeMain,
);
