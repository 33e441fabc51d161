// What an account is opened with; names in capitals are Courier's settings.

import type { NamespaceKind } from './namespace.ts';

export interface AccountSettings {
  /** INBOX's directory, absolute. */
  readonly root: string;
  /** The login name: "user=" in access lists. */
  readonly user: string;
  readonly namespace: NamespaceKind;
  /** "group=" in access lists, without that word (the account's options group=). */
  readonly groups?: readonly string[];
  /** False: no access lists (IMAP_ACL=0); the user may do all with his own and see nothing of others'. */
  readonly acl?: boolean;
  /** MAILDIRQUOTA; undefined, or a text that is none: what maildirsize says. */
  readonly quota?: string;
  /** IMAP_TRASHFOLDERNAME. */
  readonly trashFolder?: string;
  /** IMAP_SHAREDINDEXFILE with the account's sharedgroup, absolute. */
  readonly sharedIndex?: string;
  /** IMAP_SHAREDMUNGENAMES. */
  readonly sharedNamesMunged?: boolean;
  /** False: folders of others are not shown (option disableshared). */
  readonly shared?: boolean;
}
