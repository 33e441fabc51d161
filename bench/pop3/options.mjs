// The command line of bench/pop3.mjs.
import { commonUsage, parseCommon } from '../shared/options.mjs';

const LIMITS = { quick: 15, whole: 20 };

/** The choices of this call, or undefined when they are none. */
export function parseOptions(args, known) {
  return parseCommon(args, known, { limits: LIMITS });
}

export function usage(known) {
  return `usage: node bench/pop3.mjs [options]
  --quick           fewer rows, one second for each, one round
${commonUsage(known, LIMITS.whole)}`;
}
