// The command line of bench/mail.mjs.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const BUILT = join(import.meta.dirname, '../../bin/dist');

/** The choices of this call, or undefined when they are none. */
export function parseOptions(args, known) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        quick: { type: 'boolean', default: false },
        long: { type: 'boolean', default: false },
        only: { type: 'string' },
        system: { type: 'string' },
        rounds: { type: 'string' },
        json: { type: 'string' },
        scratch: { type: 'string' },
        dist: { type: 'string' },
        profile: { type: 'string' },
        limit: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch {
    return undefined;
  }
  const rows = chosen(values.only, known.rows);
  const systems = chosen(values.system, known.systems);
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  const limit = Number(values.limit ?? (values.quick ? 20 : 45));
  if (rows === undefined || systems === undefined) return undefined;
  if (!(rounds >= 1 && rounds <= 50 && limit >= 1 && limit <= 600)) return undefined;
  return {
    help: values.help,
    quick: values.quick,
    long: values.long,
    rows,
    systems,
    rounds,
    limit,
    json: values.json,
    scratch: values.scratch,
    profile: values.profile === undefined ? undefined : resolve(values.profile),
    dist: resolve(values.dist ?? BUILT),
  };
}

export function usage({ rows, systems }) {
  return `usage: node bench/mail.mjs [options]
  --quick           fewer rows, fewer messages, one round
  --long            servers that have been up for a while: 400 messages before a row counts, ten times as many in it
  --only ROW,...    rows whose name begins so: ${rows.join(' ')}
  --system NAME,... of: ${systems.join(' ')}
  --rounds N        how often each row is run on each system; the median counts (3)
  --limit SECONDS   a run that is not done by then is cut off and counted as far as it got (45)
  --json FILE       write every single measurement there
  --profile DIR     have Node write CPU profiles of our servers there; costs a little time itself
  --dist DIR        our executables (bin/dist)
  --scratch DIR     on which disk (the temporary directory's)`;
}

/** Those of `names` that begin with a word of the comma list; undefined if a word fits none. */
function chosen(list, names) {
  if (list === undefined) return names;
  const words = list.split(',');
  if (!words.every((word) => names.some((name) => name.startsWith(word)))) return undefined;
  return names.filter((name) =>
    words.some((word) => name === word || (!names.includes(word) && name.startsWith(word))),
  );
}
