// The resident form of a service for virtual domains: no process is started for a request.
//
//   front process (no rights)      parent (root)                  workers (the domains' owners), in their homes
//   one for all clients            decides who may                one for each owner, kept while used
//
//   bytes ── request ── socket ──► resolve, judge ── work ─────► table, directories; answers the client
//                       ◄── ended                  ◄── worked
//
// The parent never reads from a client: a request comes to it as fields of a message. It asks the kernel who
// the client is, the shadow file whether a password is right, and passes the rest on.
//
// In a private instance the same processes run, all as the one user. The end: SIGTERM stops the front, then
// the workers when they are done. If the front dies the service ends; whoever supervises starts it again.

import { faultOf } from '@q/fault';
import { escapeForLog, openLog } from '@q/log';
import type { Invocation } from '@q/proc';
import {
  type ChildPlaces,
  fieldsOf,
  messageOf,
  movedAddresses,
  type ServiceChild,
  serviceChild,
  servicePlaces,
  startChild,
  supervise,
  WorkerPool,
  workerRole,
} from '@q/service';
import { type ListenOptions, parseEndpoint } from '@q/session';
import { REQUESTS_MAX } from '../limits.ts';
import { frontProcess } from './front-process.ts';
import type { FrontConfig, ToFront } from './messages.ts';
import type { RequestService } from './service.ts';
import { giveToGroup, prepareDirectory, type SocketRights, socketRights } from './socket-file.ts';

/** Runs a child as whatever the parent wants; resolves to the exit code. */
export function requestServiceChild(
  service: RequestService,
  invocation: Pick<Invocation, 'env'>,
): Promise<number> {
  return serviceChild(invocation, {
    front: (config) => frontProcess(service, config as FrontConfig),
    worker: workerRole(service.name, (places) => ({
      work: (work, held) => service.work(work, held, places),
    })),
  });
}

/** Runs the service until SIGTERM; the exit code is the front process's own when it could not start. */
export async function requestServiceParent(
  service: RequestService,
  invocation: Invocation,
  listening: Omit<ListenOptions, 'log'>,
): Promise<number> {
  const { options } = invocation;
  const places = servicePlaces(invocation);
  const rights = socketRights(options);
  const paths = listening.addresses
    .map(parseEndpoint)
    .flatMap((at) => ('path' in at ? [at.path] : []));
  for (const path of paths) prepareDirectory(path);
  const log = openLog(service.name);
  const workers = new WorkerPool(places);
  const front = startFront(places, rights, listening);
  let under = 0;
  front.onMessage((message, held) => {
    if (fieldsOf(message)?.kind === 'listening') {
      held?.close();
      if (rights.gid !== undefined) for (const path of paths) giveToGroup(path, rights.gid);
      return;
    }
    const asked = messageOf('request', message);
    if (asked === undefined || held === undefined || under >= REQUESTS_MAX) {
      log('warning: the front process said what it may not; ended');
      held?.close();
      front.kill('SIGKILL');
      return;
    }
    under++;
    void service
      .serve(asked.id, asked.request, held, { env: places.env, workers, log, options })
      .catch((error: unknown) => {
        held.close();
        log(`warning: ${escapeForLog(faultOf(error, 'internal error').message)}`);
        return undefined;
      })
      .then((verdict) => {
        under--;
        const ended: ToFront = { kind: 'ended', id: asked.id, verdict };
        front.tell(ended);
      });
  });
  return supervise({ front, name: 'front process', log, end: () => workers.drain() });
}

/** Starts it as what we are: it binds first, and gives up root then. Descriptors given as fd:N move along. */
function startFront(
  places: ChildPlaces,
  { mode }: SocketRights,
  listening: Omit<ListenOptions, 'log'>,
): ServiceChild {
  const { env: _, addresses, ...limits } = listening;
  const fds: number[] = [];
  const config: FrontConfig = {
    role: 'front',
    mode,
    listen: { ...limits, addresses: movedAddresses(addresses, fds) },
  };
  return startChild(places, config, fds);
}
