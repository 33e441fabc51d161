// Measures the POP3 service beside others on one machine, in one run: see docs/performance.md.
//   node bench/pop3.mjs [--quick] [--only ROW,...] [--system NAME,...] [--rounds N] [--json FILE]
// Needs root; nothing of the host is seen or changed.
import { join } from 'node:path';
import { HASHES } from './pop3/accounts.mjs';
import { adapters } from './pop3/adapters/index.mjs';
import { parseOptions, usage } from './pop3/options.mjs';
import { METRICS, rowNames } from './pop3/rows.mjs';
import { compare } from './shared/command.mjs';
import { asText } from './shared/report.mjs';

const known = { systems: adapters.names, rows: rowNames() };

await compare({
  name: 'bench-pop3',
  inside: join(import.meta.dirname, 'pop3/inside.mjs'),
  adapters,
  loadPackages: [],
  parse: (args) => parseOptions(args, known),
  usage: () => usage(known),
  asText: (result) =>
    asText(result, {
      metrics: METRICS,
      peer: 'dovecot',
      each: 'done',
      notes: [`Passwords: ${HASHES}.`],
    }),
});
