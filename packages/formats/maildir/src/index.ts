export { type DeliveryOptions, deliverToMaildir, type Parts } from './deliver.ts';
export {
  type EntryStats,
  entryPath,
  openEntry,
  openEntrySync,
  statEntry,
  statEntrySync,
} from './entry.ts';
export { MaildirFault, type MaildirTrouble } from './maildir-fault.ts';
export { isMaildir, type MaildirModes, makeMaildir } from './make.ts';
export { formatName, type ParsedName, parseName, uniqueName } from './name.ts';
export { parseQuota, type Quota, type Usage } from './quota.ts';
export { type Entry, scanMaildir } from './scan.ts';
export { removeSizeFile } from './size-file.ts';
export { type CleanOptions, cleanTmp } from './tmp.ts';
export {
  quotaUsage,
  type Removed,
  recordAdded,
  recordRemoved,
  recordUsage,
  setQuota,
} from './usage.ts';
