export { AFTER_LOGIN, BEFORE_LOGIN, type ReaderLimits } from './limits.ts';
export { CommandReader } from './reader.ts';
export type { CommandPiece, ReaderEvent, RefusalReason, Refused } from './reader-event.ts';
export { refusalReply } from './refusal.ts';
