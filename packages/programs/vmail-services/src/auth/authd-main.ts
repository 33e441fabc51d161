// vmail-authd: in authdaemond's place for Courier's login programs. vmail-authd(8).

import { Permanent } from '@q/fault';
import type { Invocation } from '@q/proc';
import { isServiceChild } from '@q/service';
import { listenOptionsOf } from '@q/session';
import { requestServiceChild, requestServiceParent } from '../service/parent.ts';
import { authService } from './service.ts';

/** Where Debian's Courier looks for authdaemond. */
const DEFAULT_ADDRESS = 'unix:/run/courier/authdaemon/socket';
const NOBODY = 'qmaild';

/** Exit code 0 when the service was stopped. */
export async function vmailAuthdMain(invocation: Invocation): Promise<number> {
  const service = authService('vmail-authd');
  if (isServiceChild()) return requestServiceChild(service, invocation);
  const { options, env } = invocation;
  const asked = listenOptionsOf({ listen: [DEFAULT_ADDRESS], ...options }, env, NOBODY);
  if (asked === undefined) throw new Permanent('nothing to listen on');
  return requestServiceParent(service, invocation, asked);
}
