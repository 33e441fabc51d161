// The largest message a network server takes: $DATABYTES, which tcprules may set, else control/databytes.

import type { Control } from './control.ts';

/** In bytes, 0 for any size. Throws Temporary when the control file cannot be read. */
export function sizeLimit(
  control: Pick<Control, 'int'>,
  env: Readonly<Record<string, string | undefined>>,
): number {
  const { DATABYTES } = env;
  return DATABYTES === undefined ? control.int('databytes', 0) : leadingNumber(DATABYTES);
}

/** As scan_ulong reads it: no digit at the start is 0, that is, no limit. */
function leadingNumber(text: string): number {
  return Math.min(Number(/^[0-9]*/.exec(text)?.[0] ?? 0), Number.MAX_SAFE_INTEGER);
}
