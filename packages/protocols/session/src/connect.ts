// One TCP connection attempt with a limit in time.

import { connect, type Socket } from 'node:net';

/**
 * Connects, from `localAddress` if it is given; rejects with a system error, ETIMEDOUT when `seconds`
 * have passed.
 */
export function connectTo(
  address: string,
  port: number,
  localAddress: string | undefined,
  seconds: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ host: address, port, noDelay: true, ...from });
    const timer = setTimeout(() => {
      const timeout = new Error('connect: connection timed out');
      socket.destroy(Object.assign(timeout, { code: 'ETIMEDOUT' }));
    }, seconds * 1000);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
