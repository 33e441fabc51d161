// What front process and parent of a service for requests say to each other: JSON over Node's IPC channel, texts
// latin1. What parent and workers say is @q/service's.
//
//   front process → parent    request {id, request} + socket     a client, and what it asked
//   front process → parent    listening {}                     the sockets are there
//   parent → front process    ended   {id, verdict?}             it was answered, or is gone; what a password was
//
// What comes from a process with fewer rights is checked: the frame by messageOf, what is in it by the service.

import type { ListenOptions } from '@q/session';

export interface FrontConfig {
  readonly role: 'front';
  /** Permission bits of the sockets. */
  readonly mode: number;
  readonly listen: Omit<ListenOptions, 'log' | 'env'>;
}

export interface FromFront {
  readonly kind: 'request';
  readonly id: number;
  readonly request: unknown;
}

/** What came of a password, where there was one: 'right', or 'wrong'. */
export type Verdict = 'right' | 'wrong';

export interface ToFront {
  readonly kind: 'ended';
  readonly id: number;
  readonly verdict?: Verdict | undefined;
}
