export { AFTER_LOGIN, BEFORE_LOGIN, type ReaderLimits } from './limits.ts';
export { ListPattern } from './list-pattern.ts';
export { decodeModifiedUtf7, encodeModifiedUtf7 } from './modified-utf7.ts';
export { CommandReader } from './reader.ts';
export type { CommandPiece, ReaderEvent, RefusalReason, Refused } from './reader-event.ts';
export { refusalReply } from './refusal.ts';
export {
  formatSequenceSet,
  parseSequenceSet,
  resolveSequenceSet,
  type SequenceSet,
} from './sequence-set.ts';
