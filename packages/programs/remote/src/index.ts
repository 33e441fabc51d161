export { REMOTE_SUMMARY, remoteMain } from './qmail-remote.ts';
export { rspawnMain } from './rspawn.ts';
