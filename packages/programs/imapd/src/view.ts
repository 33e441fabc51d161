// What a session sees of the selected mailbox: message numbers (RFC 9051, section 2.3.1.2), which change only when the
// session has told its client.

import type { SequenceSet } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';
import type { Opened, Session } from './session.ts';

/** What a client was told at a synchronisation; the contexts of searches follow it. */
export interface Told {
  readonly arrived: readonly FolderMessage[];
  readonly changed: readonly FolderMessage[];
  readonly expunged: readonly FolderMessage[];
}

export interface View {
  readonly opened: Opened;
  /** EXAMINE, or no right to change anything. */
  readonly readOnly: boolean;
  /** The user's rights here. */
  readonly rights: string;
  /** By message number less 1. A message that is gone stays until its EXPUNGE was told. */
  readonly messages: readonly FolderMessage[];
  isRecent(message: FolderMessage): boolean;
  /** Message number; 0 when it is not in the view. */
  numberOf(message: FolderMessage): number;
  /** The messages of a set, ascending, `$` included. A message number beyond the view is BAD (throws CommandRefused), an unknown UID nothing. */
  resolve(session: Session, set: SequenceSet, byUid: boolean): readonly FolderMessage[];
  /** Takes over what the folder knows and tells the client: EXPUNGE or VANISHED (only if `expunged`), EXISTS, RECENT, FETCH of flags. Does not look at the disk. */
  sync(session: Session, expunged: boolean): void;
  /**
   * Told what each sync() tells: `expunged` alone right before their EXPUNGE or VANISHED, while their numbers hold (RFC
   * 5267, 4.3.4); `arrived` and `changed` after EXISTS and FETCH. Returns the end of it.
   */
  onTold(heard: (told: Told) => void): () => void;
  /** Lets the folder go. */
  close(): void;
}
