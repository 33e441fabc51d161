// What a folder is to its users: messages with UIDs, flags, keywords and mod-sequences (RFC 9051, section 2.3), in a
// Maildir that any program may deliver to, read and tidy at any time.

/** System flags as bits; the letters are those of Maildir file names. P (passed) is kept and is no IMAP flag. */
export const FLAG = {
  draft: 1,
  flagged: 2,
  passed: 4,
  answered: 8,
  seen: 16,
  deleted: 32,
} as const;

/** A message of a folder. One object for each message in a process: all sessions share it. */
export interface FolderMessage {
  readonly uid: number;
  /** The file's name before ":2,", latin1: it stays the same while the flags change. */
  readonly base: string;
  /** Bits of FLAG. */
  readonly flags: number;
  /** Sorted; the spelling is that of Folder.keywords. Equal lists are one object. */
  readonly keywords: readonly string[];
  /** Mod-sequence of the last change (RFC 7162). */
  readonly modseq: number;
  /** It was expunged, by us or by another program. It stays so: a UID is never used again. */
  readonly gone: boolean;
}

/** An open message file. The caller closes `fd`. */
export interface OpenMessage {
  readonly fd: number;
  /** Bytes on disk, with LF line ends. */
  readonly size: number;
  /** The file's time in milliseconds: INTERNALDATE. */
  readonly time: number;
}

/** Flags as they shall be, or as they are added or taken away. */
export interface FlagChange {
  readonly change: 'replace' | 'add' | 'remove';
  /** Bits of FLAG, without `passed`, which no change touches. */
  readonly flags: number;
  readonly keywords: readonly string[];
}

export interface FlagsChanged {
  /** Those whose flags were set as asked, in the order given; also those that had them so before (their modseq stays). */
  readonly stored: readonly FolderMessage[];
  /** Those whose mod-sequence was above `unchangedSince`: nothing was done with them. */
  readonly modified: readonly FolderMessage[];
  /** Those that were found to be gone. */
  readonly gone: readonly FolderMessage[];
}

/** A message on its way in: a file in tmp/, of which nobody else knows. */
export interface Spool {
  /** Bytes written so far. */
  readonly size: number;
  /** Bytes as they shall stand in the file (LF line ends). They may be reused when the promise is kept. */
  write(bytes: Uint8Array): Promise<void>;
  /** The bytes written from `start` to `end`, for a message that is put together of others. A piece holds until the next is asked for. */
  read(start: number, end: number): AsyncIterable<Buffer>;
  /** Removes the file. Harmless after it was delivered. Never throws. */
  discard(): Promise<void>;
}

export interface NewMessage {
  readonly spool: Spool;
  /** Bits of FLAG. */
  readonly flags: number;
  readonly keywords: readonly string[];
  /** INTERNALDATE in milliseconds; undefined: now. */
  readonly time: number | undefined;
}

/** A copied message and what became of it. */
export interface Copied {
  readonly from: FolderMessage;
  readonly to: FolderMessage;
}

export interface RefreshOptions {
  /** Move what is in new/ to cur/, as SELECT does and EXAMINE and STATUS do not. */
  readonly takeNew: boolean;
}

/**
 * One folder, open in this process, shared by all its sessions. Every method leaves `messages` ascending by UID, without
 * those gone. Methods throw faults: Temporary for disk trouble (nothing half done), Permanent with a text for the client
 * for what cannot be (a keyword too many: code LIMIT).
 */
export interface Folder {
  /** The directory that holds cur, new and tmp; absolute. */
  readonly dir: string;
  readonly uidValidity: number;
  readonly uidNext: number;
  /** Never 0, never falls: RFC 7162, section 3.1. Also after the cache was lost. */
  readonly highestModseq: number;
  /** MAILBOXID (RFC 8474): [A-Za-z0-9_-]+, kept by RENAME, another one when UIDVALIDITY is another. */
  readonly mailboxId: string;
  /** Another array when messages go; the same, only longer, when they come: views share it. */
  readonly messages: readonly FolderMessage[];
  /** Keywords in use in this folder, first spelling met. Compared without case. */
  readonly keywords: readonly string[];
  /** Another keyword may be made: PERMANENTFLAGS has \*. */
  readonly acceptsKeywords: boolean;

  /** The message of this UID, by bisection; also one that is gone, as long as `changes` has it. */
  find(uid: number): FolderMessage | undefined;
  /** Index in `messages` of the first with this UID or a larger one. */
  indexOf(uid: number): number;

  /** Brings all up to date with the disk. Cheap (two stats) when nothing changed there. */
  refresh(options: RefreshOptions): Promise<void>;
  /** UIDs that came in new/ and that nobody has been told of as \Recent. They are the caller's now. */
  takeRecent(): readonly number[];
  /** How many a takeRecent() would give, those still in new/ included. */
  readonly recentCount: number;
  /**
   * Files in new/ at the last refresh. They have no UIDs yet and are not in `messages`; with takeNew they get those from
   * uidNext on. So STATUS counts them to MESSAGES, UNSEEN and RECENT, and adds them to UIDNEXT, as Courier does.
   */
  readonly waiting: number;

  /** Grows with each change of a message (new, flags, gone). */
  readonly changeCount: number;
  /** Messages changed since changeCount was `count`, each once, in no order. Undefined: too long ago, compare all. */
  changesSince(count: number): readonly FolderMessage[] | undefined;
  /**
   * Calls `heard` (soon after, several changes at once) when a session of this process changed something or the disk
   * did; whoever hears it refreshes. Returns the end of it.
   */
  watch(heard: () => void): () => void;

  /** Undefined: gone (and marked so). Finds the file under whatever flags it has now. */
  open(message: FolderMessage): OpenMessage | undefined | Promise<OpenMessage | undefined>;

  /** STORE. With `unchangedSince` (a mod-sequence) only messages not changed after it. */
  store(
    messages: readonly FolderMessage[],
    change: FlagChange,
    unchangedSince?: number,
  ): Promise<FlagsChanged>;
  /** Removes the files. Gives those that are gone now, by us or by others. */
  expunge(messages: readonly FolderMessage[]): Promise<readonly FolderMessage[]>;

  spool(): Promise<Spool>;
  /** All or none: they are durable, have their UIDs (ascending in order given) and are in `messages`. Takes the spools. */
  deliver(messages: readonly NewMessage[]): Promise<readonly FolderMessage[]>;
  /**
   * COPY and MOVE from `source`, with flags, keywords and times. All or none of a copy; a move that breaks off has moved
   * the first ones, says so in what it returns, and has lost and doubled none. Messages of `source` that are gone are left out.
   * `progress` is called now and then with how many are done.
   */
  take(
    source: Folder,
    messages: readonly FolderMessage[],
    how: 'copy' | 'move',
    progress?: (done: number) => void,
    without?: LeftBehind,
  ): Promise<readonly Copied[]>;

  /** UIDs between those that were and are no more, with a mod-sequence after `since`; perhaps more than those (RFC 7162, 3.2.6). */
  vanishedSince(since: number): readonly (readonly [first: number, last: number])[];
}

/** What does not come along with a copy: these flags, and all keywords or none. */
export interface LeftBehind {
  readonly flags: number;
  readonly keywords: boolean;
}

/**
 * Where mod-sequences outlive the process: made by the cache. Without one (undefined) they begin anew with each process, high
 * enough that clients look again.
 */
export interface ChangeStore {
  /** The largest mod-sequence given so far, those of gone messages included; 0 when there is none. */
  readonly highest: number;
  /** What is known of each message, as last noted; empty when nothing is. */
  load(): Iterable<KnownState>;
  /**
   * In one transaction: gives `changed` and `gone` a new mod-sequence, which is returned and is larger than all before, also
   * those given by other processes. A message that another process noted meanwhile with the very same state keeps its own.
   * `changed` of course includes new messages.
   */
  note(changed: readonly Omit<KnownState, 'modseq'>[], gone: readonly number[]): Noted;
  /** UIDs noted as gone after mod-sequence `since`; undefined when it is not known that far back. */
  goneSince(since: number): readonly number[] | undefined;
}

export interface KnownState {
  readonly uid: number;
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly modseq: number;
}

export interface Noted {
  readonly modseq: number;
  /** Those that kept another one than `modseq`. */
  readonly kept: ReadonlyMap<number, number>;
}
