// An IMAP session after login, as its commands see it (RFC 9051, section 3).

import type { Command, CommandName, NumberRange } from '@q/imap';
import type { MailAccount, Place } from '@q/mail-account';
import type { FolderCache } from '@q/mail-cache';
import type { Folder, Spool } from '@q/mailbox';
import type { View } from './view.ts';

/** How the session is served; see settings.ts for where each comes from. */
export interface Settings {
  /** Bytes of the largest message APPEND takes. */
  readonly appendLimit: number;
  /** Trash's name as a folder path and whether EXPUNGE moves there (Courier's IMAP_MOVE_EXPUNGE_TO_TRASH). */
  readonly trashFolder: string;
  readonly expungeToTrash: boolean;
  /** A log line for each message that is removed (IMAP_LOG_DELETIONS). */
  readonly logDeletions: boolean;
  /** IMAP_KEYWORDS, IMAP_ACL: 0 turns them off. */
  readonly keywords: boolean;
  readonly acl: boolean;
  /** Seconds between two looks at a mailbox in IDLE when nothing was heard of it (IMAP_IDLE_TIMEOUT). */
  readonly idlePoll: number;
  /** What ID says of the server: names and values in turn (IMAP_ID_FIELDS). */
  readonly idFields: readonly string[];
  /** Undefined: messages are kept only, not sent. */
  readonly outbox: Outbox | undefined;
}

/** The folder whose messages are sent when they come there (Courier's OUTBOX). */
export interface Outbox {
  /** Its directory's name in the user's Maildir: ".Outbox". */
  readonly dir: string;
  /** What clients call it, an atom. */
  readonly name: string;
  /** SENDMAIL: a file, or a program's name in PATH. */
  readonly sendmail: string;
  /** HEADERFROM: the name of the header field that says who sent it. */
  readonly headerFrom: string;
  /** OUTBOX_MULTIPLE_SEND: one command may send several messages. */
  readonly multiple: boolean;
}

/** What the client turned on by ENABLE or by using it; names in upper case. */
export type Enabled = 'CONDSTORE' | 'QRESYNC' | 'UTF8=ACCEPT' | 'IMAP4REV2' | 'UIDONLY';

/** A folder that is open for this session and must be let go of. */
export interface Opened {
  readonly place: Place;
  readonly folder: Folder;
  readonly cache: FolderCache;
  release(): void;
}

export interface Session {
  readonly user: string;
  readonly account: MailAccount;
  readonly settings: Settings;
  readonly enabled: Set<Enabled>;
  /** The selected mailbox. */
  view: View | undefined;
  /** SEARCHRES's "$": UIDs, ascending ranges. */
  savedResult: readonly NumberRange[];

  /** Opens a folder by place (shared with other sessions of the process). Throws NameFault NONEXISTENT. */
  open(place: Place): Promise<Opened>;

  /** An untagged response: "* " and CRLF are added. Latin1, one character a byte. */
  untagged(line: string): void;
  /** Raw bytes or latin1 text of a response in pieces; the caller ends it with CRLF. */
  write(data: Buffer | string): void;
  /**
   * To be called often by whoever writes or computes much. Sends what has gathered when that is much or has waited for long, waits
   * until the client has taken most of it, and now and then lets other sessions have a turn. Throws Timeout and Disconnected.
   */
  drain(): Promise<void>;
  /**
   * The messages that came with the command under way (APPEND, REPLACE), by their index, in tmp/ of the target folder, which was
   * found with right i and has room for them. CRLF has become LF; a binary one (literal8) is as it was sent. What is not
   * delivered is discarded by the dispatcher.
   */
  readonly spools: readonly Spool[];
  /**
   * Has `tell` called once, as soon as no command is under way (or during IDLE), also when the client says nothing: for what is
   * told unasked (NOTIFY). What it writes is sent at once. What it throws ends the session.
   */
  soon(tell: () => void | Promise<void>): void;
  /** A mailbox name in the client's form, ready to be put into a response (astring). */
  mailboxText(name: string): string;
  /** The client turned on UTF8=ACCEPT or IMAP4rev2: for wireString() and its like. */
  readonly utf8: boolean;
  /** A line for the log; the level ("INFO: ") and what cannot be in a line are the session's matter. */
  log(line: string): void;
  /**
   * The folder in this directory was removed: it is not given out again, and sessions of this process that have it selected
   * find that at their next look. Its cache is forgotten by `mailboxId`.
   */
  forget(dir: string, mailboxId: string | undefined): void;
  /** The folder was renamed: sessions of this process that have it selected go on with it. */
  moved(from: string, to: string): void;
  /** What NOTIFY asked for; undefined: nothing. */
  notifier: Notifier | undefined;
  /** For the log line of the session's end. */
  readonly counts: { headers: number; body: number };
}

/** Watches mailboxes for the client, between commands too (RFC 5465). Told by the dispatcher. */
export interface Notifier {
  /** After each command's answer: another mailbox may be selected now, or none. */
  commandDone(): void;
  /** The session is over. */
  close(): void;
}

/** The answer to a command; the dispatcher tells of changes in the selected mailbox before it, then sends it. */
export interface Reply {
  readonly status: 'OK' | 'NO' | 'BAD';
  /** Response code without brackets. */
  readonly code?: string;
  readonly text: string;
}

export interface CommandRow<Arguments> {
  /** 'selected': also a view is there, and is passed. */
  readonly state: 'authenticated' | 'selected';
  /** False: no EXPUNGE may be told before this command's answer: FETCH, STORE, SEARCH by message number (RFC 9051, 7.5.1). */
  readonly tellsExpunged: boolean;
  /** Throws NameFault (NO with its code), CommandRefused (NO or BAD), faults (NO [UNAVAILABLE] or [SERVERBUG]). */
  run(session: Session, given: Arguments, tag: string, name: CommandName): Promise<Reply>;
}

/** One row a command. */
export type CommandTable = {
  readonly [Each in Command as Each['name']]?: CommandRow<Each['arguments']>;
};
