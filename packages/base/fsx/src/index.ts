export { isAlive } from './alive.ts';
export { writeFileAtomic } from './atomic.ts';
export { readChunks } from './chunks.ts';
export { DirectorySync, fsyncDirSync } from './directory-sync.ts';
export { isExecutable, programBeside } from './executable.ts';
export {
  closeAnyway,
  closeFd,
  createExclusive,
  createExclusiveSync,
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
  writeFullySync,
} from './fd.ts';
export { flock, type LockKind, tryFlock } from './flock.ts';
export { GatheredWriter } from './gathered-writer.ts';
export { type FileIdentity, giveLink, giveName, isSameFile } from './given-name.ts';
export { leadsTo, openLocked } from './locked.ts';
export { PacedReader } from './paced-read.ts';
export { rewindFd } from './seek.ts';
export { stampAt, stampOf, stampsAt } from './stamp.ts';
export { stdinChunks, wasClosed } from './stdin.ts';
export { isThere } from './there.ts';
export { pullTrigger, type TriggerWatch, watchTrigger } from './trigger.ts';
