// What the three kinds of process of a resident service say to each other: JSON over Node's IPC channel,
// texts latin1.
//
//   front process → parent    request {id, request} + socket     a client, and what it asked
//   front process → parent    listening {}                     the sockets are there
//   parent → front process    ended   {id}                       it was answered, or is gone
//   parent → worker           work    {id, work} + socket?
//   worker → parent           worked  {id, result}               undefined: it could not be done
//
// The first message to a child says what it is: be-front, be-worker. What comes from a process with fewer
// rights is checked: the frame here, what is in it by the service.

import type { ListenOptions } from '@q/session';
import type { BaseUser } from '@q/vmailmgr';

export interface FrontConfig {
  readonly kind: 'be-front';
  readonly service: string;
  /** Permission bits of the sockets. */
  readonly mode: number;
  readonly listen: Omit<ListenOptions, 'log' | 'env'>;
}

export interface WorkerConfig {
  readonly kind: 'be-worker';
  readonly service: string;
  readonly account: BaseUser;
}

export interface FromFront {
  readonly kind: 'request';
  readonly id: number;
  readonly request: unknown;
}

export type ToFront = { readonly kind: 'ended'; readonly id: number };
export type ToWorker = { readonly kind: 'work'; readonly id: number; readonly work: unknown };

/** A message of `kind` with an id; undefined for anything else. */
export function messageOf<K extends string>(
  kind: K,
  value: unknown,
): (Record<string, unknown> & { readonly kind: K; readonly id: number }) | undefined {
  const fields = fieldsOf(value);
  if (fields?.kind !== kind || !Number.isSafeInteger(fields.id)) return undefined;
  return fields as Record<string, unknown> & { readonly kind: K; readonly id: number };
}

/** The fields of an object; undefined for anything else. */
export function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : undefined;
}
