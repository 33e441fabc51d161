// qmail's tools end with 111 whatever goes wrong: a script need not tell kinds of trouble apart.

import { faultOf, Temporary } from '@q/fault';

/** Any error as one that exits 111; `what` says what was being done. */
export function soft(error: unknown, what: string): Temporary {
  return new Temporary(faultOf(error, what).message, { cause: error });
}
