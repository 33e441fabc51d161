export { openAccount } from './account.ts';
export { METADATA_VALUE_MAX } from './limits.ts';
export type {
  AclEntry,
  ListedFolder,
  MailAccount,
  NameRefusal,
  NamespaceEntry,
  Namespaces,
  Place,
  QuotaRoot,
  Rights,
} from './model.ts';
export { NameFault } from './name-fault.ts';
export type { NamespaceKind } from './namespace.ts';
export type { AccountSettings } from './settings.ts';
export { type TidyOptions, tidyAccount } from './tidy.ts';
export { watchAccount, watchAnnotations } from './watch.ts';
