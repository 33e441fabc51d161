// TLS as a test's client begins it, on any port. The server's certificate is not looked at.

import { connect } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { until } from './processes.ts';

/** TLS from the first byte. `own`: our certificate and address, if it matters. */
export function openTls(
  port: number,
  own: ConnectionOptions & { readonly localAddress?: string } = {},
): TLSSocket {
  return connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...own });
}

/**
 * TLS on a connection that began in clear: `request`, sent after the greeting in one packet, is answered by a line that is
 * `goAhead`. Rejects when it is another. `own` as above.
 */
export async function upgradedToTls(
  port: number,
  request: string,
  goAhead: RegExp,
  own: ConnectionOptions = {},
): Promise<TLSSocket> {
  const plain = connect(port, '127.0.0.1');
  let heard = '';
  const listen = (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  };
  plain.on('data', listen);
  await until('the greeting', () => heard.endsWith('\r\n'));
  heard = '';
  plain.write(request);
  await until('the answer', () => heard.endsWith('\r\n'));
  if (!goAhead.test(heard)) {
    plain.destroy();
    throw new Error(`the server does not want TLS: ${heard}`);
  }
  plain.off('data', listen);
  plain.pause();
  return connectTls({ socket: plain, rejectUnauthorized: false, ...own });
}
