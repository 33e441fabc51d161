// The command line of bench/mail.mjs.
import { resolve } from 'node:path';
import { commonUsage, parseCommon } from '../shared/options.mjs';

const LIMITS = { quick: 20, whole: 45 };
const OWN = { long: { type: 'boolean', default: false }, profile: { type: 'string' } };

/** The choices of this call, or undefined when they are none. */
export function parseOptions(args, known) {
  const options = parseCommon(args, known, { own: OWN, limits: LIMITS });
  if (options?.profile === undefined) return options;
  return { ...options, profile: resolve(options.profile) };
}

export function usage(known) {
  return `usage: node bench/mail.mjs [options]
  --quick           fewer rows, fewer messages, one round
  --long            servers that have been up for a while: 400 messages before a row counts, ten times as many in it
  --profile DIR     have Node write CPU profiles of our servers there; costs a little time itself
${commonUsage(known, LIMITS.whole)}`;
}
