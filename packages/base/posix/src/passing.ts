// Open files over a unix socket, with a message: sendmsg(2) and recvmsg(2) with SCM_RIGHTS, unix(7). The receiver
// gets descriptors of its own for the same open files, as a child would by inheritance, and nothing else: what
// it may do with them was settled when they were opened.
//
// The sockets are of the kind that keeps messages apart (SOCK_SEQPACKET): each goes whole or not at all.

import { closeSync } from 'node:fs';
import { faultOf, Temporary } from '@q/fault';
import { cFunction, koffi, lastErrno, systemError } from './libc.ts';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** A control message: its length (size_t), level and type (int), then the descriptors (int). */
const INT = 4;

/** The kernel's bound on descriptors in one message is 253; here nobody passes more than these. */
const FDS_MAX = 8;

/** Not now, or not a message of this size. */
const NOT_TAKEN: ReadonlySet<string> = new Set([
  'EAGAIN',
  'EWOULDBLOCK',
  'EMSGSIZE',
  'ENOBUFS',
  'ETOOMANYREFS',
]);

export interface Message {
  /** Holds until the next message is received. */
  readonly bytes: Buffer;
  readonly fds: readonly number[];
}

/**
 * Sends `bytes` (at least one) with the open files of `fds`, in this order. Ours stay open. False when the
 * socket takes no such message now; throws a fault when the other end is gone. Never waits.
 */
export function sendMessage(socket: number, bytes: Buffer, fds: readonly number[]): boolean {
  const control = fds.length === 0 ? undefined : controlFor(fds);
  const send = messageFunction('intptr_t sendmsg(int fd, msghdr *message, int flags)');
  const sent = send(socket, header(bytes, control), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) return true;
  if (NOT_TAKEN.has(lastErrno())) return false;
  throw faultOf(systemError('sendmsg'), 'unable to pass descriptors');
}

/**
 * Takes the next message; its descriptors are close-on-exec. With `wait` the whole process stands still until there
 * is one. 'end' when the other end is gone, 'none' when there is none and it does not wait. Throws Temporary for a
 * message that is longer than `buffer`, which gets its bytes, or has too many files.
 */
export function receiveMessage(
  socket: number,
  buffer: Buffer,
  { wait }: { readonly wait: boolean },
): Message | 'none' | 'end' {
  const control = Buffer.alloc(controlSize(FDS_MAX));
  const message = header(buffer, control);
  const receive = messageFunction('intptr_t recvmsg(int fd, _Inout_ msghdr *message, int flags)');
  const flags = MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT);
  const length = Number(receive(socket, message, flags));
  if (length < 0) return notReceived();
  if (length === 0) return 'end';
  const fds = message.msg_controllen === 0 ? [] : received(control);
  if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) === 0)
    return { bytes: buffer.subarray(0, length), fds };
  for (const fd of fds) closeSync(fd);
  throw new Temporary('unable to take a message: it is too big');
}

function notReceived(): 'none' | 'end' {
  switch (lastErrno()) {
    case 'EAGAIN':
    case 'EWOULDBLOCK':
    case 'EINTR':
      return 'none';
    case 'ECONNRESET':
      return 'end';
    default:
      throw faultOf(systemError('recvmsg'), 'unable to take descriptors');
  }
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

function controlFor(fds: readonly number[]): Buffer {
  const control = Buffer.alloc(controlSize(fds.length));
  writeSize(control, headerSize() + fds.length * INT);
  control.writeInt32LE(SOL_SOCKET, sizeOfSize());
  control.writeInt32LE(SCM_RIGHTS, sizeOfSize() + INT);
  for (const [i, fd] of fds.entries()) control.writeInt32LE(fd, headerSize() + i * INT);
  return control;
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

function header(bytes: Buffer, control: Buffer | undefined) {
  return {
    msg_name: null,
    msg_namelen: 0,
    msg_iov: [{ iov_base: bytes, iov_len: bytes.length }],
    msg_iovlen: 1,
    msg_control: control ?? null,
    msg_controllen: control?.length ?? 0,
    msg_flags: 0,
  };
}

function sizeOfSize(): number {
  wordSize ??= koffi().sizeof('size_t');
  return wordSize;
}

let wordSize: number | undefined;

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
