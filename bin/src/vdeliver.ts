import { run } from '@q/cli';
import { vdeliverMain } from '@q/vmailmgr-programs';

run(
  {
    name: 'vdeliver',
    summary: 'Delivers the message on descriptor 0 to a virtual user; run from .qmail-default.',
    synopsis: '[-DdFfRr] [--no-predeliver] [--no-postdeliver] [--quiet]',
    options: {
      D: { type: 'boolean', describe: 'put the Delivered-To line (default)' },
      d: { type: 'boolean', describe: 'do not' },
      R: { type: 'boolean', describe: 'put the Return-Path line (default)' },
      r: { type: 'boolean', describe: 'do not' },
      F: { type: 'boolean', describe: 'put the mbox From line' },
      f: { type: 'boolean', describe: 'do not (default)' },
      'no-predeliver': { type: 'boolean', describe: 'do not run vdeliver-predeliver' },
      'no-postdeliver': { type: 'boolean', describe: 'do not run vdeliver-postdeliver' },
      worker: { type: 'boolean', describe: 'make many deliveries; only qmail-local can use it' },
      quiet: { type: 'boolean', describe: 'say nothing' },
    },
    notes:
      'Exit: 0 delivered, 99 dealt with by a hook, 100 bounce, 111 try again later.\n' +
      'Environment: HOME USER EXT HOST SENDER UFLINE RPLINE DTLINE, as set by qmail-local.',
  },
  vdeliverMain,
);
