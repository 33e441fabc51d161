export { decodeInfo, encodeInfo } from './info.ts';
export {
  decodeIntd,
  encodeIntd,
  encodeIntdHead,
  type QueuedEnvelope,
} from './intd.ts';
export { OSSIFIED, QUEUE_ALARM, RECORD_MAX, SPLIT, TCPTO_SIZE } from './limits.ts';
export {
  type Channel,
  isMessageId,
  type LockName,
  messageIdOf,
  type QueueDirectory,
  QueuePaths,
  splitOf,
} from './paths.ts';
export {
  DONE_MARK,
  encodeRecipient,
  type QueueRecord,
  RecordDecoder,
  readRecords,
} from './records.ts';
export { changeTcpto, decodeTcpto, type TcptoRecord } from './tcpto.ts';
export { makeQueueTree, type QueueIds, queueTree, type TreeEntry } from './tree.ts';
