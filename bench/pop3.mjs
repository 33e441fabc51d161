// Measures the POP3 service beside others on one machine, in one run: see docs/performance.md.
//   node bench/pop3.mjs [--quick] [--only ROW,...] [--system NAME,...] [--rounds N] [--json FILE]
// Needs root; nothing of the host is seen or changed.
import { HASHES } from './pop3/accounts.mjs';
import { adapters } from './pop3/adapters/index.mjs';
import * as options from './pop3/options.mjs';
import { METRICS, rowNames } from './pop3/rows.mjs';
import { compare } from './shared/command.mjs';

await compare({
  name: 'pop3',
  adapters,
  rowNames,
  options,
  report: {
    metrics: METRICS,
    peer: 'dovecot',
    each: 'done',
    notes: [`Passwords: ${HASHES}.`],
  },
});
