// Where mail for a domain goes: the protocol, the servers in their order, and our own end.

import { type BindAddresses, bindAddressesFor } from './bind-route.ts';
import { type Candidate, type CandidateSource, candidatesFor } from './candidates.ts';
import { type Route, routeOf } from './route.ts';
import type { Settings } from './settings.ts';

export interface Plan {
  readonly route: Route;
  readonly bind: BindAddresses;
  /** At least one, best first. */
  readonly candidates: readonly Candidate[];
  readonly settings: Settings;
}

/** Throws a fault with qmail-remote's text when mail for the domain can go nowhere. */
export async function planFor(
  domain: string,
  settings: Settings,
  source: CandidateSource,
): Promise<Plan> {
  const route = routeOf(domain, settings);
  const bind = bindAddressesFor(domain, settings.bindroutes);
  return { route, bind, candidates: await candidatesFor(route, source), settings };
}
