// What tests of QMTP and QMQP say, and servers that answer as they are told.

import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/** The netstring of a latin1 text. */
export function netstring(text: string): string {
  return `${text.length}:${text},`;
}

/** A rule file that lets everybody in: a cdb with 256 empty tables. */
export function emptyRules(directory: string): string {
  const pointer = Buffer.alloc(8);
  pointer.writeUInt32LE(2048);
  const path = join(directory, 'rules.cdb');
  writeFileSync(path, Buffer.concat(Array<Buffer>(256).fill(pointer)), { mode: 0o644 });
  return path;
}

/** What a server does when a whole request has come: says these words, hangs up, or stays silent. */
export type Script = { readonly say: string } | 'hang up' | 'stay silent';

export interface FakeQmqpServer {
  readonly port: number;
  /** The requests that came, and what was in them. */
  readonly requests: string[];
  close(): void;
}

/** A QMQP server on 127.0.0.1. `onRequest` runs before the answer. */
export async function startQmqpServer(
  script: Script,
  onRequest: () => void = () => {},
): Promise<FakeQmqpServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const parts: Buffer[] = [];
    let length = 0;
    socket.on('data', (chunk) => {
      parts.push(chunk);
      length += chunk.length;
      const digits = /^(\d+):/.exec(parts[0]?.toString('latin1', 0, 12) ?? '');
      if (digits === null || length < digits[0].length + Number(digits[1]) + 1) return;
      requests.push(Buffer.concat(parts).toString('latin1'));
      onRequest();
      if (script === 'hang up') socket.destroy();
      else if (script !== 'stay silent') socket.end(script.say);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
