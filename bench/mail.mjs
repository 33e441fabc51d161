// Measures this mail system beside others on one machine, in one run: see docs/performance.md.
//   node bench/mail.mjs [--quick] [--only ROW,...] [--system NAME,...] [--rounds N] [--json FILE]
// Needs root; nothing of the host is seen or changed.
import { join } from 'node:path';
import { adapters } from './adapters/index.mjs';
import { parseOptions, usage } from './mail/options.mjs';
import { METRICS, rowNames } from './mail/rows.mjs';
import { compare } from './shared/command.mjs';
import { asText } from './shared/report.mjs';

const known = { systems: adapters.names, rows: rowNames() };

await compare({
  name: 'bench-mail',
  inside: join(import.meta.dirname, 'mail/inside.mjs'),
  adapters,
  // What the load is made with, whoever is measured.
  loadPackages: ['postfix'],
  parse: (args) => parseOptions(args, known),
  usage: () => usage(known),
  asText: (result) => asText(result, { metrics: METRICS, peer: 'postfix', each: 'messages' }),
});
