// except(1): turns a program's answer round, for bouncesaying and condredirect.

import type { Invocation } from '@q/proc';
import { EXIT } from './exit-codes.ts';
import { saysYes } from './question.ts';

/** Arguments: a program and its arguments. 100 if it exits 0, else 0. */
export async function exceptMain({ args, env }: Invocation): Promise<number> {
  return (await saysYes(args, env)) ? EXIT.PERMANENT : EXIT.OK;
}
