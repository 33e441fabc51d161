// Where to listen, as given to --listen.
//
//   endpoint = host ":" port / "unix:" path / "fd:" number
//   host     = name / IPv4 / "[" IPv6 "]" / "0"          ; 0 is every IPv4 address, as in tcpserver
//   port     = number / service name
//
// Examples: 0:smtp   127.0.0.1:2525   [::]:25   unix:/run/smtp.sock   fd:3

import { Permanent } from '@q/fault';

export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number };

/** The services mail is spoken on: /etc/services may be missing in a container. */
const SERVICES: Readonly<Record<string, number>> = {
  smtp: 25,
  submission: 587,
  submissions: 465,
  smtps: 465,
  qmtp: 209,
  qmqp: 628,
  pop3: 110,
  'pop-3': 110,
  pop3s: 995,
  imap: 143,
  imap2: 143,
  imaps: 993,
};

/** Reads one --listen value. Throws Permanent on anything that is not an endpoint. */
export function parseEndpoint(text: string): Endpoint {
  if (text.startsWith('unix:') && text.length > 5) return { kind: 'unix', path: text.slice(5) };
  const fd = /^fd:([0-9]{1,6})$/.exec(text);
  if (fd) return { kind: 'fd', fd: Number(fd[1]) };
  const tcp = /^(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^:[\]/]+)):([0-9a-z-]+)$/.exec(text);
  const port = tcp && portOf(tcp[3] as string);
  if (!tcp || port === undefined) {
    throw new Permanent(`not an address to listen on: ${text} (HOST:PORT, unix:PATH or fd:N)`);
  }
  const host = tcp[1] ?? (tcp[2] as string);
  return { kind: 'tcp', host: host === '0' ? '0.0.0.0' : host, port: port as number };
}

/** The descriptors systemd hands over: LISTEN_FDS of them from 3 on, if LISTEN_PID is us. */
export function inheritedEndpoints(
  env: Readonly<Record<string, string | undefined>>,
  pid: number = process.pid,
): Endpoint[] {
  const count = Number(env.LISTEN_FDS ?? 0);
  if (!Number.isInteger(count) || count <= 0 || count > 1000) return [];
  if (env.LISTEN_PID !== undefined && Number(env.LISTEN_PID) !== pid) return [];
  return Array.from({ length: count }, (_, i) => ({ kind: 'fd' as const, fd: 3 + i }));
}

/** The same text that parseEndpoint reads. */
export function endpointText(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'unix':
      return `unix:${endpoint.path}`;
    case 'fd':
      return `fd:${endpoint.fd}`;
    case 'tcp':
      return endpoint.host.includes(':')
        ? `[${endpoint.host}]:${endpoint.port}`
        : `${endpoint.host}:${endpoint.port}`;
  }
}

function portOf(text: string): number | undefined {
  if (!/^[0-9]+$/.test(text)) return Object.hasOwn(SERVICES, text) ? SERVICES[text] : undefined;
  const port = Number(text);
  return port <= 65535 ? port : undefined;
}
