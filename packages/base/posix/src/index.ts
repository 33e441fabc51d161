export {
  type Group,
  getgrgid,
  getgrnam,
  getpwnam,
  getpwuid,
  getspnam,
  type Passwd,
} from './accounts.ts';
export { crypt, cryptAsync, gensalt } from './crypt.ts';
export { connectDatagram } from './datagram.ts';
export {
  dup2,
  dupAbove,
  isOpen,
  messagePair,
  mkfifo,
  type PeerCredentials,
  peerCredentials,
  pipe,
  setCloseOnExec,
  setNonblocking,
  socketpair,
} from './descriptors.ts';
export { exchangeNames } from './exchange.ts';
export { alarm, execve, exitNow, findProgram, forgetChildren } from './exec.ts';
export { trimHeap } from './memory.ts';
export { type Message, receiveMessage, sendMessage } from './passing.ts';
export { dropPrivileges, type Identity } from './privileges.ts';
