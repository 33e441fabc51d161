// preline(1).
import { run } from '@q/cli';
import { prelineMain } from '@q/filters';

run(
  {
    name: 'preline',
    summary: 'runs a command with the lines of a delivered message before its input',
    synopsis: '[-frdFRD] cmd [ arg ... ]',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes:
      'Environment: UFLINE RPLINE DTLINE, as set by qmail-local.\\n-f -r -d leave out the From, Return-Path, Delivered-To line; -F -R -D (default) put it.\\nExit: that of the command; 111 it crashed.',
  },
  prelineMain,
);
