export { KeyFiles, type KeyPair, type KeySet } from './key-files.ts';
export { ServerContexts } from './server-contexts.ts';
