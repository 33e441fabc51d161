// forward(1): sends the message on to other addresses, from a .qmail file.

import { type Invocation, mailText } from '@q/proc';
import { EXIT } from './exit-codes.ts';
import { report } from './report.ts';
import { deliveryVariable, requeue } from './requeue.ts';

/**
 * Queues DTLINE and the message on descriptor 0, which may be a pipe, from NEWSENDER to the arguments.
 * Throws a fault when it cannot: 100 for a refusal, 111 for what may pass.
 */
export async function forwardMain({ args, env }: Invocation): Promise<number> {
  const sender = deliveryVariable(env, 'NEWSENDER');
  const deliveredTo = deliveryVariable(env, 'DTLINE');
  const recipients = args.map(mailText);
  const qp = await requeue({ deliveredTo, sender, recipients, from: 'here' }, env);
  report(`forward: qp ${qp}`);
  return EXIT.OK;
}
