// qmail-qmanage(8).
import { qmanageMain } from '@q/admin';
import { run } from '@q/cli';

run(
  {
    name: 'qmail-qmanage',
    summary: 'lists, shows, bounces, deletes and retries queued messages',
    synopsis: 'list|show|bounce|delete|retry [options] [number ...]',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    notes:
      'Which messages: numbers, or --sender PATTERN, --recipient PATTERN (* and ?), --older 12h; or --all.\n' +
      '  list             a line a message; all by default\n' +
      '  show             envelope, failures and header; --message: the message itself\n' +
      '  bounce           try once more, then bounce\n' +
      '  delete           drop them, nobody is told; with --recipient, only those recipients\n' +
      '  retry            try now; while qmail-send runs, only with --all\n' +
      'Further options: --json, --dry-run, --now (bounce, delete: have qmail-send act at once).\n' +
      'Run it as root. Exit codes: 0, 100 wrong call, 111 something was left undone.',
  },
  qmanageMain,
);
