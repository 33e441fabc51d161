// The login process: takes connections and asks for names and passwords. Binds as root where it must,
// then is qmaild for good; everything a stranger can send before it has logged in is parsed here.

import { faultOf } from '@q/fault';
import { openLog } from '@q/log';
import { listen } from '@q/session';
import { LoginThrottle } from '@q/throttle';
import { ClientCertificates, ServerContexts, type TrustSet } from '@q/tls';
import { stir } from '../rest.ts';
import { meetClients } from './client.ts';
import { GRACE_SECONDS, STRANGERS_SHARE } from './limits.ts';
import { Link } from './link.ts';
import { LocalNames } from './local-names.ts';
import { usualLines } from './log-lines.ts';
import type { MailService } from './mail-service.ts';
import type { LoginConfig } from './messages.ts';

/** Serves until SIGTERM or until the parent is gone. Throws when it cannot listen. */
export async function loginProcess(service: MailService, config: LoginConfig): Promise<number> {
  const log = openLog(service.name);
  let clients = certificatesBy(config.clients);
  const contexts = config.keys && new ServerContexts(config.keys, clients);
  const link = new Link((news) => {
    try {
      const renewed = certificatesBy(news.clients);
      contexts?.replace(news.keys, renewed);
      clients = renewed;
    } catch (error) {
      log(`warning: ${faultOf(error, 'unable to use new certificates').message}`);
    }
  });
  const gatekeeper = {
    link,
    log,
    throttle: new LoginThrottle(),
    names: new LocalNames(),
    greet: service.greet,
    lines: service.lines ?? usualLines,
    nameIn: (certificates: readonly Buffer[]) => clients?.nameOf(certificates),
    terms: {
      secure: contexts?.secure,
      requireTls: config.requireTls,
      digests: config.digests,
      external: config.clients?.nameIn !== undefined,
    },
  };
  const listener = await listen(meetClients(gatekeeper), {
    ...config.listen,
    strangersShare: STRANGERS_SHARE,
    ...(contexts && { tls: { addresses: config.tlsAddresses, secure: contexts.secure } }),
    busy: service.busy,
    graceSeconds: GRACE_SECONDS,
    log,
  });
  stir();
  const stop = () => {
    link.letGo();
    void listener.close();
  };
  // listen() has its own handler for the signals, which stops the listener; this one lets go of sessions.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  process.once('disconnect', stop);
  await listener.closed;
  return 0;
}

function certificatesBy(set: TrustSet | undefined): ClientCertificates | undefined {
  return set && new ClientCertificates(set);
}
