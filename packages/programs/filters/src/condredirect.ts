// condredirect(1): sends the message elsewhere, instead of the rest of the .qmail file, if a program says so.

import { type Invocation, mailText } from '@q/proc';
import { EXIT } from './exit-codes.ts';
import { saysYes } from './question.ts';
import { report } from './report.ts';
import { deliveryVariable, requeue } from './requeue.ts';

/**
 * Arguments: the new address, then the program and its arguments. 99 when the message went there, 0 when
 * it stays here. Throws a fault for trouble: the sender keeps its place, SENDER, so bounces go to it.
 */
export async function condredirectMain({ args, env }: Invocation): Promise<number> {
  const [address = '', ...program] = args;
  if (!(await saysYes(program, env))) return EXIT.OK;
  const sender = deliveryVariable(env, 'SENDER');
  const deliveredTo = deliveryVariable(env, 'DTLINE');
  const recipients = [mailText(address)];
  // Read by position: the program has moved the offset it shares with us.
  const qp = await requeue({ deliveredTo, sender, recipients, from: 'start' }, env);
  report(`condredirect: qp ${qp}`);
  return EXIT.STOP;
}
