// The command line flags of the services: those of every server, and who may connect.

import { listenFlags } from '@q/session';

export const serviceFlags = {
  ...listenFlags,
  mode: { type: 'string', describe: 'permission bits of the socket (660)' },
  group: { type: 'string', describe: 'group of the socket' },
} as const;
