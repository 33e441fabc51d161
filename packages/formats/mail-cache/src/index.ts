export type { AccountCache, FolderCache, MessageFacts, SearchScope } from './model.ts';
