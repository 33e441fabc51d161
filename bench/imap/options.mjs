// The command line of bench/imap.mjs.
import { commonUsage, parseCommon } from '../shared/options.mjs';

const LIMITS = { quick: 60, whole: 180 };

/** The choices of this call, or undefined when they are none. */
export function parseOptions(args, known) {
  return parseCommon(args, known, { limits: LIMITS });
}

export function usage(known) {
  return `usage: node bench/imap.mjs [options]
  --quick           fewer rows, 2,000 messages only, one round
${commonUsage(known, LIMITS.whole)}`;
}
