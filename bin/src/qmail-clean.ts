// qmail-clean(8).
import { run } from '@q/cli';
import { cleanMain } from '@q/send';

run(
  {
    name: 'qmail-clean',
    summary: 'removes queue files for qmail-send; started by qmail-start',
    synopsis: '',
    max: Number.POSITIVE_INFINITY, // qmail's ignores them
    rawArgs: true,
    notes: 'Requests on descriptor 0, answers on descriptor 1. Exit codes: 0 at end of file, 111.',
  },
  cleanMain,
);
