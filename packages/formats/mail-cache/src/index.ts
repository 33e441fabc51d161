export { type AccountCacheOptions, openAccountCache } from './account-cache.ts';
export { MessageReader } from './message-reader.ts';
export type { AccountCache, FolderCache, MessageFacts, Renderer, SearchScope } from './model.ts';
export { serveReader } from './reader-thread.ts';
