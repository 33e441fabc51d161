export { type AccountCacheOptions, openAccountCache } from './account-cache.ts';
export type { AccountCache, FolderCache, MessageFacts, Renderer, SearchScope } from './model.ts';
