// bouncesaying(1): bounces the message with a text, always or if a program says so.

import type { Invocation } from '@q/proc';
import { EXIT } from './exit-codes.ts';
import { saysYes } from './question.ts';
import { report } from './report.ts';

/** Arguments: the text, then perhaps a program and its arguments. 100 to bounce, 0 to let the message pass. */
export async function bouncesayingMain({ args, env }: Invocation): Promise<number> {
  const [text = '', ...program] = args;
  if (program.length > 0 && !(await saysYes(program, env))) return EXIT.OK;
  report(text);
  return EXIT.PERMANENT;
}
