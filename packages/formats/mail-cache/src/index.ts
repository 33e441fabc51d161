export { type AccountCacheOptions, openAccountCache } from './account-cache.ts';
export type { AccountCache, FolderCache, MessageFacts, SearchScope } from './model.ts';
