// tcp-env(1).
import { run } from '@q/cli';
import { tcpEnvMain } from '@q/host';

run(
  {
    name: 'tcp-env',
    summary: 'runs a program with the variables of its TCP connection, for inetd',
    synopsis: '[-rR] [-t seconds] program [argument ...]',
    options: {
      r: { type: 'boolean', describe: 'ask the client who the connection belongs to (RFC 1413)' },
      R: { type: 'boolean', describe: 'do not ask' },
      t: { type: 'number', describe: 'seconds to wait for that answer (30)' },
    },
    min: 1,
    max: Number.POSITIVE_INFINITY,
    usageExit: 111,
    quietFaults: true, // under inetd stderr is the client
  },
  tcpEnvMain,
);
