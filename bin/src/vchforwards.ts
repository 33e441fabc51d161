import { run } from '@q/cli';
import { vchforwardsMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vchforwards',
    summary: 'Replaces the forwarding addresses of a virtual user; none ends forwarding.',
    synopsis: '[--json] [--quiet] user [dest ...]',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    usageExit: 1,
    dashEnds: true,
    options: {
      json: { type: 'boolean', describe: 'say what is done in JSON, an object a line' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes: 'Exit: 0, or 1 if nothing was changed. Works in $HOME.',
  },
  vchforwardsMain,
);
