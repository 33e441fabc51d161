export { FolderFault } from './fault.ts';
export type { FolderOptions } from './inside.ts';
export {
  type ChangeStore,
  type Copied,
  FLAG,
  type FlagChange,
  type FlagsChanged,
  type Folder,
  type FolderMessage,
  type KnownState,
  type LeftBehind,
  type NewMessage,
  type Noted,
  type OpenMessage,
  type RefreshOptions,
  type Spool,
} from './model.ts';
export { outliveUidValidity } from './outlive.ts';
export { FolderPool } from './pool.ts';
