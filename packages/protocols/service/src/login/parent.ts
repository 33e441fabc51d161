// A mail service with logins without a process per connection, and with every border of qmail's chain
// popup → checker → pop3d still there.
//
//   clients ──► login process (qmaild) ──── "user, password?" ───► parent (root) ── "password?" ──► worker (the user)
//                 many sessions,       ◄── ok / refused ──────────   finds the    ◄── ok / refused ──  one per uid
//                 no rights            ─── socket, read-ahead ────►  account      ─── socket ───────►  all its sessions
//                                      ◄── ended, counts ──────────                ◄── ended, counts ──
//
// 1. The login process speaks what the protocol has before login. A wrong password comes back to it: it answers,
//    later and later, and the client may try again.
// 2. The parent maps the name to a base user (host-wide files only). A system user's password it checks
//    itself, against the shadow file; a virtual user's is checked by the worker, as the user whose table it is.
// 3. On "ok" the login process sends the socket, with what it had read beyond the login. The parent passes the
//    raw handle on; it never reads from it. The worker answers from there on.
//    A connection that is encrypted stays in the login process, which gives away one end of a socket pair.
// 4. The login process keeps the session in its count until it ends, so --max and --max-per-ip hold for all.
//
// The end: SIGTERM stops the login process and gives sessions a grace. If login process or parent dies, the others
// end; workers finish what they serve first, and whoever supervises starts the service again.

import { join } from 'node:path';
import { faultOf, Permanent } from '@q/fault';
import { type Log, openLog } from '@q/log';
import type { Invocation } from '@q/proc';
import {
  type ChildPlaces,
  movedAddresses,
  type ServiceChild,
  serviceChild,
  startChild,
} from '../child.ts';
import { stir } from '../rest.ts';
import { servicePlaces, supervise } from '../supervise.ts';
import { WorkerPool } from '../worker-pool.ts';
import { workerRole } from '../worker-process.ts';
import { Broker } from './broker.ts';
import { Certificates } from './certificates.ts';
import { KEYS_LOOK } from './limits.ts';
import { loginProcess } from './login-process.ts';
import type { MailService } from './mail-service.ts';
import { mailWorker } from './mail-worker.ts';
import { fromLogin, type LoginConfig, type ToLogin } from './messages.ts';
import type { MailServiceOptions } from './options.ts';

/** Runs the service until SIGTERM; the exit code is the login process's own when it could not start. */
export async function mailServiceParent(
  service: MailService,
  invocation: Invocation,
  options: MailServiceOptions,
  maildir: string,
): Promise<number> {
  const places = servicePlaces(invocation, service.variables);
  const log = openLog(service.name);
  const workers = new WorkerPool(places);
  const certificates = new Certificates(
    join(places.env.QMAILHOME ?? '', 'control'),
    options.clients,
    log,
  );
  const login = startLogin(places, options, certificates);
  const tell = (message: ToLogin) => login.tell(message);
  const { nameIn } = certificates;
  const broker = new Broker({ env: places.env, maildir, workers, log, tell, nameIn });
  login.onMessage((message, held) => {
    stir();
    if (broker.onMessage(fromLogin(message), held)) return;
    log('warning: the login process said what it may not; ended');
    login.kill('SIGKILL');
  });
  stir();
  const looking = setInterval(() => tellNewKeys(certificates, tell, log), KEYS_LOOK);
  try {
    return await supervise({
      front: login,
      name: 'login process',
      log,
      // Encrypted sessions end in the login process when they have ended here.
      stopping: () => void workers.stop(),
      end: () => workers.stop(),
    });
  } finally {
    clearInterval(looking);
  }
}

/** The entrance of the service's children. Resolves to the exit code. */
export function mailServiceChild(
  service: MailService,
  invocation: Pick<Invocation, 'env'>,
): Promise<number> {
  return serviceChild(invocation, {
    login: (config) => loginProcess(service, config as LoginConfig),
    worker: workerRole(service.name, (places) => mailWorker(service, places)),
  });
}

/** A certificate that was renewed is used from the next connection on; one that is none leaves the old one. */
function tellNewKeys(certificates: Certificates, tell: (message: ToLogin) => void, log: Log): void {
  try {
    if (certificates.changed) tell({ kind: 'keys', ...certificates.read() });
  } catch (error) {
    log(`warning: ${faultOf(error, 'unable to read certificates').message}`);
  }
}

/** Starts it as what we are: it binds first, and gives up root then. Descriptors given as fd:N move along. */
function startLogin(
  places: ChildPlaces,
  { listening, tlsAddresses, requireTls, digests }: MailServiceOptions,
  certificates: Certificates,
): ServiceChild {
  if (tlsAddresses.length > 0 && !certificates.there)
    throw new Permanent('--tls-listen needs a certificate: control/servercert.pem');
  const { env: _, addresses, ...limits } = listening;
  const fds: number[] = [];
  const config: LoginConfig = {
    role: 'login',
    listen: { ...limits, addresses: movedAddresses(addresses, fds) },
    tlsAddresses: movedAddresses(tlsAddresses, fds),
    requireTls,
    digests,
    ...(certificates.there && certificates.read()),
  };
  return startChild(places, config, fds);
}
