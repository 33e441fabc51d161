// The options that all comparisons have.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const BUILT = join(import.meta.dirname, '../../bin/dist');

const COMMON = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
  system: { type: 'string' },
  rounds: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'string' },
  scratch: { type: 'string' },
  dist: { type: 'string' },
  help: { type: 'boolean', default: false },
};

/**
 * The choices of this call, or undefined when they are none. `own`: further flags, in the form of
 * util.parseArgs; `limits`: seconds after which a run is cut off, with --quick and without.
 */
export function parseCommon(args, known, { own = {}, limits }) {
  let values;
  try {
    ({ values } = parseArgs({ args, options: { ...COMMON, ...own } }));
  } catch {
    return undefined;
  }
  const rows = chosen(values.only, known.rows);
  const systems = chosen(values.system, known.systems);
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  const limit = Number(values.limit ?? limits[values.quick ? 'quick' : 'whole']);
  if (rows === undefined || systems === undefined) return undefined;
  if (!(rounds >= 1 && rounds <= 50 && limit >= 1 && limit <= 600)) return undefined;
  const { only: _only, system: _system, dist, ...others } = values;
  return {
    ...others,
    rows,
    systems,
    rounds,
    limit,
    dist: resolve(dist ?? BUILT),
  };
}

/** What --help says of them; `limit` is the default. */
export function commonUsage({ rows, systems }, limit) {
  return `  --only ROW,...    rows whose name begins so: ${rows.join(' ')}
  --system NAME,... of: ${systems.join(' ')}
  --rounds N        how often each row is run on each system; the median counts (3)
  --limit SECONDS   a run that is not done by then is cut off and counted as far as it got (${limit})
  --json FILE       write every single measurement there
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
