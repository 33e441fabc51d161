// Descriptor calls that Node lacks: pipe, socketpair, dup2, fcntl, mkfifo, SO_PEERCRED.

import { faultOf } from '@q/fault';
import { cFunction, systemError } from './libc.ts';

const F_DUPFD_CLOEXEC = 1030;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** A real pipe, both ends close-on-exec: what a child gets as fd 1 and fd 2 at once, which Node's own cannot be. */
export function pipe(): { readonly read: number; readonly write: number } {
  const fds = [-1, -1];
  checked(cFunction('int pipe2(_Out_ int *fds, int flags)')(fds, O_CLOEXEC), 'pipe2');
  return { read: fds[0] as number, write: fds[1] as number };
}

/** Two connected stream sockets, both close-on-exec. Each sees end of file when the other side's last holder is gone. */
export function socketpair(): readonly [number, number] {
  return connectedPair(SOCK_STREAM);
}

/** The same for messages (passing.ts): each is read whole, as it was sent. */
export function messagePair(): readonly [number, number] {
  return connectedPair(SOCK_SEQPACKET);
}

function connectedPair(type: number): readonly [number, number] {
  const fds = [-1, -1];
  const call = cFunction('int socketpair(int domain, int type, int protocol, _Out_ int *fds)');
  checked(call(AF_UNIX, type | O_CLOEXEC, 0, fds), 'socketpair');
  return [fds[0] as number, fds[1] as number];
}

/** A duplicate with the lowest free number not below `minimum`, close-on-exec. */
export function dupAbove(fd: number, minimum: number): number {
  return checked(fcntl(fd, F_DUPFD_CLOEXEC, minimum), 'fcntl');
}

/** dup2(2): `to` becomes the same open file as `from`, and stays open across an exec. */
export function dup2(from: number, to: number): void {
  checked(cFunction('int dup2(int from, int to)')(from, to), 'dup2');
  if (from === to) setCloseOnExec(to, false);
}

export function setCloseOnExec(fd: number, on: boolean): void {
  const flags = checked(fcntl(fd, F_GETFD, 0), 'fcntl');
  checked(fcntl(fd, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC), 'fcntl');
}

/** Changes the open file description: every process that shares it is affected. */
export function setNonblocking(fd: number, on: boolean): void {
  const flags = checked(fcntl(fd, F_GETFL, 0), 'fcntl');
  checked(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK), 'fcntl');
}

/** True for a descriptor that is open. */
export function isOpen(fd: number): boolean {
  return fcntl(fd, F_GETFD, 0) >= 0;
}

/** A FIFO of that mode (less the umask). Throws a fault; an existing name is EEXIST. */
export function mkfifo(path: string | Buffer, mode: number): void {
  const name = Buffer.concat([Buffer.from(path), Buffer.alloc(1)]);
  checked(cFunction('int mkfifo(const uint8_t *path, uint32_t mode)')(name, mode), 'mkfifo');
}

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who is at the other end of a unix socket, as the kernel knows it: unix(7), SO_PEERCRED. */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = Buffer.alloc(12);
  const call = cFunction(
    'int getsockopt(int fd, int level, int name, uint8_t *value, _Inout_ uint32_t *length)',
  );
  checked(call(fd, SOL_SOCKET, SO_PEERCRED, ucred, [ucred.length]), 'getsockopt');
  return {
    pid: ucred.readInt32LE(0),
    uid: ucred.readUInt32LE(4),
    gid: ucred.readUInt32LE(8),
  };
}

function fcntl(fd: number, command: number, argument: number): number {
  return cFunction('int fcntl(int fd, int command, int argument)')(fd, command, argument);
}

/** A negative result becomes a fault with the errno's class and, in its cause, Node's error form. */
function checked(result: number, call: string): number {
  if (result < 0) throw faultOf(systemError(call), `unable to ${call}`);
  return result;
}
