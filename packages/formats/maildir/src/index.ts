export { type DeliveryOptions, deliverToMaildir, type Parts } from './deliver.ts';
export { type EntryStats, entryPath, openEntry, statEntry } from './entry.ts';
export { MaildirFault, type MaildirTrouble } from './maildir-fault.ts';
export { isMaildir, type MaildirModes, makeMaildir } from './make.ts';
export { formatName, type ParsedName, parseName, uniqueName } from './name.ts';
export { type Entry, scanMaildir } from './scan.ts';
export { type CleanOptions, cleanTmp } from './tmp.ts';
