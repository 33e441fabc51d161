// qmail-remote(8).
import { run } from '@q/cli';
import { REMOTE_SUMMARY, remoteMain } from '@q/remote';

run(
  {
    name: 'qmail-remote',
    summary: REMOTE_SUMMARY,
    synopsis: 'host sender recipient [recipient ...]',
    max: Number.POSITIVE_INFINITY,
    rawArgs: true,
    notes: 'Always exits 0: the reports tell what happened. See qmail-remote(8).',
  },
  remoteMain,
);
