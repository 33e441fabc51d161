// vmail-authd(8).
import { run } from '@q/cli';
import { serviceFlags, vmailAuthdMain } from '@q/vmail-services';

run(
  {
    name: 'vmail-authd',
    summary: "Authenticates virtual users for Courier, in authdaemond's place.",
    synopsis: '[--listen address ...]',
    options: serviceFlags,
    notes:
      'Default address: unix:/run/courier/authdaemon/socket.\n' +
      'Exit codes: 0 stopped; 100, 111 not started. See vmail-authd(8).',
  },
  vmailAuthdMain,
);
