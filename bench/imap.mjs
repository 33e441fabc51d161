// Measures the IMAP service beside others on one machine, in one run: see docs/performance.md.
//   node bench/imap.mjs [--quick] [--only ROW,...] [--system NAME,...] [--rounds N] [--json FILE]
// Needs root; nothing of the host is seen or changed.
import { join } from 'node:path';
import { adapters } from './imap/adapters/index.mjs';
import { parseOptions, usage } from './imap/options.mjs';
import { METRICS, rowNames } from './imap/rows.mjs';
import { compare } from './shared/command.mjs';
import { asText } from './shared/report.mjs';

const known = { systems: adapters.names, rows: rowNames() };

await compare({
  name: 'bench-imap',
  inside: join(import.meta.dirname, 'imap/inside.mjs'),
  adapters,
  loadPackages: [],
  parse: (args) => parseOptions(args, known),
  usage: () => usage(known),
  asText: (result) =>
    asText(result, {
      metrics: METRICS,
      peer: 'dovecot',
      each: 'done',
      notes: ['The same message files for all, by hard links; all in the page cache.'],
    }),
});
