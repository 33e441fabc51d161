// Deliveries of one message to one place: qmail-send gives one command a recipient, and those that come
// together go out together.

import type { Plan } from './plan.ts';

/** One recipient's delivery. */
export interface Member {
  readonly recipient: string;
  readonly messageFd: number;
  /** Gives its report, in qmail-rspawn's form. */
  readonly report: (text: string) => void;
}

export interface Batch {
  /** Message, sender and place; undefined for one that is to stay alone. */
  readonly key: string | undefined;
  readonly sender: string;
  readonly plan: Plan;
  /** At least one. */
  readonly members: Member[];
  /** Resolves when there is no room for another. */
  readonly full: Promise<void>;
  readonly fill: () => void;
}

export function newBatch(key: string | undefined, sender: string, plan: Plan): Batch {
  let fill = () => {};
  const full = new Promise<void>((resolve) => {
    fill = resolve;
  });
  return { key, sender, plan, members: [], full, fill };
}

/** Mail for several domains may go to one relay together; exchangers get each domain's by itself. */
export function batchKey(message: string, sender: string, { route, bind }: Plan): string {
  return JSON.stringify([message, sender, route, bind.ipv4, bind.ipv6]);
}

/** What counts as one destination: the best servers, their port and our own end. */
export function destinationOf({ route, bind, candidates }: Plan): string {
  const best = candidates[0]?.preference;
  const addresses = candidates
    .filter(({ preference }) => preference === best)
    .map(({ address }) => address);
  return JSON.stringify([route.port, bind.ipv4, bind.ipv6, ...addresses.sort()]);
}
