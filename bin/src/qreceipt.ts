// qreceipt(1).
import { run } from '@q/cli';
import { qreceiptMain } from '@q/filters';

run(
  {
    name: 'qreceipt',
    summary: 'answers a request for a delivery notice',
    synopsis: 'deliveryaddress',
    min: 1,
    max: 1,
    rawArgs: true,
    notes:
      'Environment: SENDER, as set by qmail-local; QMAILQUEUE.\\nExit: 0 with or without a notice, 100 refused, 111 try again.',
  },
  qreceiptMain,
);
