// Addresses as people write them get the host that they leave out, by qmail's rules. qmail-header(5).
//
//   ann        ann@DEFAULTHOST
//   ann@a      ann@a.DEFAULTDOMAIN
//   ann@a+     ann@a.PLUSDOMAIN

import type { Control } from '@q/control';
import { plainText, type Token, withoutRoute } from '@q/rfc822';

export interface Hosts {
  readonly defaultHost: string;
  readonly defaultDomain: string;
  readonly plusDomain: string;
}

/** From the control files; each is control/me, else its own name, when it is missing. Throws Temporary. */
export function readHosts(control: Control): Hosts {
  const read = (name: string) => control.lineOrMe(name, name);
  return {
    defaultHost: read('defaulthost'),
    defaultDomain: read('defaultdomain'),
    plusDomain: read('plusdomain'),
  };
}

/** The envelope's form of an address, '' of an empty one. A route is left out, and a dot behind the host. */
export function qualify(address: readonly Token[], hosts: Hosts): string {
  const tokens = withoutRoute([...address]);
  if (tokens.at(-1)?.type === '.') tokens.pop();
  if (tokens.at(-1)?.type === '@') tokens.pop();
  if (tokens.length === 0) return '';
  const at = tokens.findLastIndex((token) => token.type === '@');
  const local = plainText(at < 0 ? tokens : tokens.slice(0, at));
  if (local === '' && at < 0) return '';
  const host = at < 0 ? hosts.defaultHost : plainText(tokens.slice(at + 1));
  const isLiteral = at >= 0 && tokens.at(-1)?.type === 'literal';
  return `${local}@${isLiteral ? host : withDomain(host, hosts)}`;
}

function withDomain(host: string, hosts: Hosts): string {
  const full = host.endsWith('+') ? `${host.slice(0, -1)}.${hosts.plusDomain}` : host;
  return full.includes('.') || full.startsWith('[') ? full : `${full}.${hosts.defaultDomain}`;
}
