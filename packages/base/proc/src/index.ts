export type { Invocation } from './invocation.ts';
export { PERMANENT_EXITS, shellText } from './shell.ts';
export { type Child, type Exit, pathOnly, type SpawnRequest, spawn } from './spawn.ts';
export { argText, mailText } from './text.ts';
