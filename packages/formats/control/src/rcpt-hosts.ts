// Whose mail a network server takes: control/rcpthosts, and control/morercpthosts.cdb, which qmail-newmrh
// makes of control/morercpthosts: the same lines in lower case as keys, without data.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { splitAddress } from '@q/address';
import { asciiLower } from '@q/bytes';
import { type Cdb, openCdb } from '@q/cdb';
import type { Control } from './control.ts';

/** Lower case, "b" or ".b"; undefined takes mail for all. */
export type HostList = ReadonlySet<string> | undefined;

/** control/rcpthosts. Throws Temporary when it cannot be read. */
export function readRcptHosts(control: Control): HostList {
  const lines = control.list('rcpthosts');
  return lines === undefined ? undefined : new Set(lines.map(asciiLower));
}

/**
 * True when mail for this recipient is ours to take: it has no domain, or its domain or a suffix of
 * that from a dot on is listed, or is a key for `inCdb` (morercpthosts.cdb).
 */
export function isForUs(
  recipient: string,
  hosts: HostList,
  inCdb: (key: string) => boolean,
): boolean {
  if (hosts === undefined) return true;
  const { domain } = splitAddress(recipient);
  if (domain === undefined) return true;
  const keys = suffixes(asciiLower(domain));
  return keys.some((key) => hosts.has(key)) || keys.some(inCdb);
}

/** control/morercpthosts.cdb, opened when it is first asked for. */
export class MoreHosts {
  readonly #path: string;
  #cdb: Cdb | undefined;
  #opened = false;

  constructor(home: string) {
    this.#path = join(home, 'control/morercpthosts.cdb');
  }

  /** False for everything when there is no such file. Throws a fault when it cannot be read. */
  has(domain: string): boolean {
    if (!this.#opened && !isAbsent(this.#path)) this.#cdb = openCdb(this.#path);
    this.#opened = true;
    return this.#cdb?.get(domain) !== undefined;
  }

  close(): void {
    this.#cdb?.close();
    this.#cdb = undefined;
    this.#opened = false;
  }
}

/** Most hosts have none, and to find that out from an exception, for each connection, is dear. */
function isAbsent(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false; // opening it will say what is wrong
  }
}

/** `a.b.c`, `.b.c`, `.c` */
function suffixes(domain: string): string[] {
  const keys = [domain];
  for (let i = 1; i < domain.length; i++) if (domain[i] === '.') keys.push(domain.slice(i));
  return keys;
}
