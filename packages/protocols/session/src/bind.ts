// Opening the sockets of a resident listener.

import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { errnoOf, errnoText, Temporary } from '@q/fault';
import { type Endpoint, endpointText } from './endpoint.ts';

/** A listening server for an endpoint. Throws Temporary when it cannot be had. */
export async function bind(endpoint: Endpoint, backlog: number): Promise<Server> {
  if (endpoint.kind === 'unix') await removeStale(endpoint.path);
  // A client that sends everything and then half-closes still gets its answers.
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ ...target(endpoint), backlog }, resolve);
    });
  } catch (error) {
    throw new Temporary(`unable to listen on ${endpointText(endpoint)}: ${errnoText(error)}`, {
      cause: error,
    });
  }
  server.removeAllListeners('error');
  return server;
}

/** Where a server ended up, which differs from what was asked for when the port was 0. */
export function boundText(server: Server, endpoint: Endpoint): string {
  const address = server.address();
  if (typeof address !== 'object' || address === null) return endpointText(endpoint);
  return endpointText({ kind: 'tcp', host: address.address, port: address.port });
}

function target(
  endpoint: Endpoint,
): { host: string; port: number } | { path: string } | { fd: number } {
  switch (endpoint.kind) {
    case 'tcp':
      return { host: endpoint.host, port: endpoint.port };
    case 'unix':
      return { path: endpoint.path };
    case 'fd':
      return { fd: endpoint.fd };
  }
}

/** Removes a socket that nobody answers on any more; one that is answered is left, and bind will say so. */
async function removeStale(path: string): Promise<void> {
  const stale = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(errnoOf(error) === 'ECONNREFUSED'));
  });
  if (stale) rmSync(path, { force: true });
}
