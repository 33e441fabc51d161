// Unix datagram sockets, which Node lacks: unix(7). A write(2) on one is a datagram.

import { closeSync } from 'node:fs';
import { faultOf, Permanent } from '@q/fault';
import { cFunction, systemError } from './libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

/** sizeof sun_path. */
const PATH_ROOM = 108;

/** A close-on-exec descriptor whose writes go to the socket at `path`. Throws a fault when nobody listens there. */
export function connectDatagram(path: string): number {
  const name = Buffer.from(path);
  if (name.length >= PATH_ROOM) throw new Permanent(`path too long for a socket: ${path}`);
  const address = Buffer.alloc(2 + name.length + 1); // struct sockaddr_un, as long as it is used
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, 2);
  const socket = cFunction('int socket(int domain, int type, int protocol)');
  const fd: number = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw faultOf(systemError('socket'), 'unable to make a socket');
  const connect = cFunction('int connect(int fd, const uint8_t *address, uint32_t length)');
  if (connect(fd, address, address.length) < 0) {
    const error = systemError('connect');
    closeSync(fd);
    throw faultOf(error, `unable to reach ${path}`);
  }
  return fd;
}
