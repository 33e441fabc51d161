// The command line of bench/mail.mjs.
import { commonUsage, parseCommon } from '../shared/options.mjs';

const LIMITS = { quick: 20, whole: 45 };

/** The choices of this call, or undefined when they are none. */
export function parseOptions(args, known) {
  return parseCommon(args, known, {
    own: { long: { type: 'boolean', default: false } },
    limits: LIMITS,
  });
}

export function usage(known) {
  return `usage: node bench/mail.mjs [options]
  --quick           fewer rows, fewer messages, one round
  --long            servers that have been up for a while: 400 messages before a row counts, ten times as many in it
${commonUsage(known, LIMITS.whole)}`;
}
