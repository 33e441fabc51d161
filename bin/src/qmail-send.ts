// qmail-send(8).
import { run } from '@q/cli';
import { sendMain } from '@q/send';

run(
  {
    name: 'qmail-send',
    summary: 'delivers queued messages; started by qmail-start',
    synopsis: '',
    quietFaults: true, // fd 2 is the pipe from qmail-lspawn; sendMain logs to fd 0
    max: Number.POSITIVE_INFINITY, // qmail's ignores them
    rawArgs: true,
    notes:
      'Signals: TERM finish and exit, ALRM try everything now, HUP reread locals and virtualdomains.\n' +
      'Exit codes: 0 after TERM, 111 when it cannot start or go on. See qmail-send(8).',
  },
  sendMain,
);
