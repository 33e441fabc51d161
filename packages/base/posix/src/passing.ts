// Open files over a unix socket: sendmsg(2) and recvmsg(2) with SCM_RIGHTS, unix(7). The receiver gets
// descriptors of its own for the same open files, as a child would by inheritance, and nothing else: what
// it may do with them was settled when they were opened.

import { closeSync } from 'node:fs';
import { faultOf, Temporary } from '@q/fault';
import { cFunction, koffi, systemError } from './libc.ts';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** A control message: its length (size_t), level and type (int), then the descriptors (int). */
const INT = 4;

/**
 * Sends the open files of `fds`, in this order, as one message. Ours stay open. Throws a fault when the
 * other end is gone or its queue is full; never waits.
 */
export function sendDescriptors(socket: number, fds: readonly number[]): void {
  const control = Buffer.alloc(controlSize(fds.length));
  writeSize(control, headerSize() + fds.length * INT);
  control.writeInt32LE(SOL_SOCKET, sizeOfSize());
  control.writeInt32LE(SCM_RIGHTS, sizeOfSize() + INT);
  for (const [i, fd] of fds.entries()) control.writeInt32LE(fd, headerSize() + i * INT);
  const send = messageFunction('intptr_t sendmsg(int fd, msghdr *message, int flags)');
  const sent = send(socket, header(control), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) throw faultOf(systemError('sendmsg'), 'unable to pass descriptors');
}

/**
 * Takes one message of exactly `count` open files; the descriptors are close-on-exec. Never waits: the
 * message must be there already. Throws Temporary when it is not, or is another one.
 */
export function receiveDescriptors(socket: number, count: number): readonly number[] {
  const control = Buffer.alloc(controlSize(count));
  const message = header(control);
  const receive = messageFunction('intptr_t recvmsg(int fd, _Inout_ msghdr *message, int flags)');
  const length = receive(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0) throw faultOf(systemError('recvmsg'), 'unable to take descriptors');
  const fds = received(control);
  if (length === 1 && fds.length === count && (message.msg_flags & MSG_CTRUNC) === 0) return fds;
  for (const fd of fds) closeSync(fd);
  throw new Temporary('unable to take descriptors: another number of them was expected');
}

/** The kernel leaves the buffer's zeros where it had nothing to say. */
function received(control: Buffer): readonly number[] {
  const length = readSize(control);
  const rights =
    control.readInt32LE(sizeOfSize()) === SOL_SOCKET &&
    control.readInt32LE(sizeOfSize() + INT) === SCM_RIGHTS;
  if (!rights) return [];
  return Array.from({ length: Math.floor((length - headerSize()) / INT) }, (_, i) =>
    control.readInt32LE(headerSize() + i * INT),
  );
}

function messageFunction(prototype: string) {
  if (!defined) {
    koffi().struct('iovec', { iov_base: 'uint8_t *', iov_len: 'size_t' });
    koffi().struct('msghdr', {
      msg_name: 'void *',
      msg_namelen: 'uint32_t',
      msg_iov: 'iovec *',
      msg_iovlen: 'size_t',
      msg_control: 'uint8_t *',
      msg_controllen: 'size_t',
      msg_flags: 'int',
    });
    defined = true;
  }
  return cFunction(prototype);
}

/** koffi's types have names for the whole process and cannot be made twice. */
let defined = false;

/** A message needs a byte to travel with. */
function header(control: Buffer) {
  return {
    msg_name: null,
    msg_namelen: 0,
    msg_iov: [{ iov_base: Buffer.alloc(1), iov_len: 1 }],
    msg_iovlen: 1,
    msg_control: control,
    msg_controllen: control.length,
    msg_flags: 0,
  };
}

function sizeOfSize(): number {
  return koffi().sizeof('size_t');
}

function headerSize(): number {
  return sizeOfSize() + 2 * INT;
}

/** Control messages are padded to whole words. */
function controlSize(count: number): number {
  return headerSize() + Math.ceil((count * INT) / sizeOfSize()) * sizeOfSize();
}

function writeSize(control: Buffer, value: number): void {
  if (sizeOfSize() === 8) control.writeBigUInt64LE(BigInt(value));
  else control.writeUInt32LE(value);
}

function readSize(control: Buffer): number {
  return sizeOfSize() === 8 ? Number(control.readBigUInt64LE()) : control.readUInt32LE();
}
