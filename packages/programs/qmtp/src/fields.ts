// Fields of a request that must be there.

import { BrokenOff, type Payload } from '@q/qmtp';

/** A field; throws BrokenOff when the input has ended instead. */
export function required(field: Payload | undefined): Payload {
  if (field === undefined) throw new BrokenOff();
  return field;
}
