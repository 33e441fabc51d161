export { getpwMain } from './getpw.ts';
export { lspawnMain } from './lspawn.ts';
export { localMain } from './qmail-local.ts';
