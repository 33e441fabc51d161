// control/qmqpservers: one server a line, tried in their order.
//
//   server = IPv4 [ ":" port ] / IPv6 / "[" IPv6 "]" [ ":" port ]      ; no names: no DNS is asked
//
// Examples: 192.0.2.1   192.0.2.1:1628   2001:db8::1   [2001:db8::1]:1628
// qmail has IPv4 alone, and always port 628.

import { isIPv4, isIPv6 } from 'node:net';

const QMQP_PORT = 628;

export interface QmqpServer {
  readonly address: string;
  readonly port: number;
}

/** Undefined for a line that names no server. */
export function parseQmqpServer(line: string): QmqpServer | undefined {
  if (isIPv6(line)) return { address: line, port: QMQP_PORT };
  const [, v6, v4, digits] = /^(?:\[([^\]]*)\]|([0-9.]+))(?::([0-9]{1,5}))?$/.exec(line) ?? [];
  const address = v6 ?? v4 ?? '';
  const port = digits === undefined ? QMQP_PORT : Number(digits);
  const known = v6 === undefined ? isIPv4(address) : isIPv6(address);
  return known && port > 0 && port <= 65535 ? { address, port } : undefined;
}
