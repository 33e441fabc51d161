// Access rules compiled by tcprules(1), and tcpserver's order of asking them.
//
// A cdb. Key: who. Data: zero or more instructions, each ended by NUL: "D" refuses the connection,
// "+NAME=value" sets a variable. Asked in this order, the first key that exists decides:
//
//   INFO@IP   INFO@=HOST   IP   =HOST   192.0.2.  192.0.  192.   =.example.org  =.org   =   (empty)
//
// INFO and HOST stand for TCPREMOTEINFO and TCPREMOTEHOST, and their keys are left out when these are
// not known. No key at all: allowed, nothing set.
// Example:  192.168.:allow,RELAYCLIENT=""  compiles to key "192.168." with data "+RELAYCLIENT=\0".

import { type Cdb, openCdb } from '@q/cdb';
import { Temporary } from '@q/fault';

export interface Verdict {
  readonly deny: boolean;
  readonly env: Readonly<Record<string, string>>;
}

export interface Caller {
  readonly ip: string;
  readonly host?: string | undefined;
  readonly info?: string | undefined;
}

/** A rule file that is looked at again for each caller, so that a new one takes effect at once. */
export class Rules {
  readonly #path: string;
  #cdb: Cdb | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws a fault when the file is missing or cannot be read: nobody is let in then. */
  verdict(caller: Caller): Verdict {
    const cdb = this.#open();
    for (const key of ruleKeys(caller)) {
      const data = cdb.get(key);
      if (data !== undefined) return decodeRule(data);
    }
    return { deny: false, env: {} };
  }

  close(): void {
    this.#cdb?.close();
    this.#cdb = undefined;
  }

  #open(): Cdb {
    if (this.#cdb !== undefined && !this.#cdb.changed()) return this.#cdb;
    this.close();
    this.#cdb = openCdb(this.#path);
    if (this.#cdb === undefined) throw new Temporary(`unable to read ${this.#path}: no such file`);
    return this.#cdb;
  }
}

/** The keys a caller is looked up by, in tcpserver's order. */
export function ruleKeys({ ip, host, info }: Caller): string[] {
  const keys: string[] = [];
  if (info !== undefined) {
    keys.push(`${info}@${ip}`);
    if (host !== undefined) keys.push(`${info}@=${host}`);
  }
  keys.push(ip);
  if (host !== undefined) keys.push(`=${host}`);
  // IPv6 has no dots: its prefixes end in a colon.
  for (let i = ip.length - 1; i > 0; i--) {
    if (ip[i - 1] === '.' || ip[i - 1] === ':') keys.push(ip.slice(0, i));
  }
  if (host !== undefined) {
    for (let i = 1; i < host.length; i++) if (host[i] === '.') keys.push(`=${host.slice(i)}`);
    keys.push('=');
  }
  keys.push('');
  return keys;
}

/** What a record says. A record that is not ended by NUL is not obeyed in part: its last piece is ignored, as tcpserver does. */
export function decodeRule(data: Buffer): Verdict {
  let deny = false;
  const env: Record<string, string> = {};
  let start = 0;
  for (let end = data.indexOf(0); end >= 0; end = data.indexOf(0, start)) {
    const piece = data.toString('latin1', start, end);
    start = end + 1;
    if (piece.startsWith('D')) deny = true;
    const equals = piece.indexOf('=');
    if (piece.startsWith('+') && equals > 1) env[piece.slice(1, equals)] = piece.slice(equals + 1);
  }
  return { deny, env };
}
