// Measures the IMAP service beside others on one machine, in one run: see docs/performance.md.
//   node bench/imap.mjs [--quick] [--only ROW,...] [--system NAME,...] [--rounds N] [--json FILE]
// Needs root; nothing of the host is seen or changed.
import { adapters } from './imap/adapters/index.mjs';
import * as options from './imap/options.mjs';
import { METRICS, rowNames } from './imap/rows.mjs';
import { compare } from './shared/command.mjs';

await compare({
  name: 'imap',
  adapters,
  rowNames,
  options,
  report: {
    metrics: METRICS,
    peer: 'dovecot',
    each: 'done',
    notes: [
      'The same message files for all, by hard links; all in the page cache.',
      'move: by COPY, STORE and EXPUNGE where the server does not offer MOVE.',
    ],
  },
});
