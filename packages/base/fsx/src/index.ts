export { writeFileAtomic } from './atomic.ts';
export { readChunks } from './chunks.ts';
export {
  closeFd,
  createExclusive,
  fstatFd,
  fsyncDir,
  fsyncFd,
  linkFile,
  openFd,
  type Path,
  readFd,
  renameFile,
  unlinkFile,
  unlinkIfThere,
  writeFully,
} from './fd.ts';
export { flock, type LockKind, tryFlock } from './flock.ts';
export { rewindFd } from './seek.ts';
export { pullTrigger, type TriggerWatch, watchTrigger } from './trigger.ts';
