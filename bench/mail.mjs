// Measures this mail system beside others on one machine, in one run: see docs/performance.md.
//   node bench/mail.mjs [--quick] [--only ROW,...] [--system NAME,...] [--rounds N] [--json FILE]
// Needs root; nothing of the host is seen or changed.
import { adapters } from './adapters/index.mjs';
import * as options from './mail/options.mjs';
import { METRICS, rowNames } from './mail/rows.mjs';
import { compare } from './shared/command.mjs';

await compare({
  name: 'mail',
  adapters,
  rowNames,
  options,
  // What the load is made with, whoever is measured.
  loadPackages: ['postfix'],
  report: { metrics: METRICS, peer: 'postfix', each: 'messages' },
});
