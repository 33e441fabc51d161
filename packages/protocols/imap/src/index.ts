export { type CapabilityContext, capabilities, FEATURES } from './capability.ts';
export type { BadCommand, Command, CommandName } from './command.ts';
export { parseAppendTarget, parseCommand } from './command.ts';
export { type DateTime, formatDateTime } from './date-argument.ts';
export type { GetMetadataArguments, NotifyGroup } from './extension-command.ts';
export type { ByteRange, FetchItem, FetchSection } from './fetch-item.ts';
export { AFTER_LOGIN, BEFORE_LOGIN, type ReaderLimits } from './limits.ts';
export { ListPattern } from './list-pattern.ts';
export type {
  ListArguments,
  ResyncArguments,
  SelectArguments,
  StatusItem,
} from './mailbox-command.ts';
export type {
  AppendMessage,
  AppendPart,
  FetchArguments,
  StoreArguments,
} from './message-command.ts';

export { CommandReader } from './reader.ts';
export type { CommandPiece, ReaderEvent, RefusalReason, Refused } from './reader-event.ts';
export { refusalReply } from './refusal.ts';
export type {
  ResultRange,
  ReturnOptions,
  SearchArguments,
  SortCriterion,
} from './search-command.ts';
export type { SearchKey } from './search-key.ts';
export {
  formatSequenceSet,
  type NumberRange,
  parseSequenceSet,
  resolveSequenceSet,
  type SequenceSet,
} from './sequence-set.ts';
export { envelopeText, structureText } from './structure-response.ts';
export { type WireMode, wireAstring, wireNstring, wireString, wireText } from './wire-string.ts';
