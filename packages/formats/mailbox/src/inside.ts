// What the operations on a folder share: its places on disk, its messages in memory, what is known of its files.

import { asciiLower } from '@q/bytes';
import { type Fault, faultOf, Temporary } from '@q/fault';
import { escapeForLog } from '@q/log';
import { DirectoryState, isOnNfs, type Look } from './directory-state.ts';
import { FolderFault, folderIsGone } from './fault.ts';
import type { Identity } from './identity.ts';
import type { KeywordList } from './keyword-names.ts';
import { KEYWORDS_MAX, LOG_LINE_MAX } from './limits.ts';
import { type HeldLock, lockFolder } from './lock.ts';
import type { ChangeStore, KnownState } from './model.ts';
import { isDirectory } from './scan.ts';
import { MessageTable, type Stored } from './table.ts';
import { Line } from './turn.ts';

/** How folders are kept; all but `root` have defaults. */
export interface FolderOptions {
  /** The Maildir whose maildirsize counts this folder's messages. */
  readonly root: string;
  /** Messages here do not count. */
  readonly trash?: boolean;
  /** Where mod-sequences are kept; undefined: in this process only. */
  readonly changes?: ((mailboxId: string) => ChangeStore | undefined) | undefined;
  /** IMAP_USELOCKS: true. */
  readonly useLocks?: boolean;
  /** What the administrator should know: broken files. Default: nobody hears of it. */
  readonly log?: (line: string) => void;
  /** Seams for tests; see limits.ts for the defaults. */
  readonly keywordsMax?: number;
  readonly lockWaitMs?: number;
  readonly pollMs?: number;
  readonly verifyMs?: number;
}

export class Inside {
  dir: string;
  readonly options: FolderOptions;
  /** Of cur: files get its mode without the x bits, so that a shared folder's are shared. */
  readonly fileMode: number;
  readonly line = new Line();
  readonly table = new MessageTable();
  readonly cur: DirectoryState;
  readonly new: DirectoryState;
  readonly keywordDir: DirectoryState;

  /** Of the directory. */
  identity: Identity = { inode: '', born: undefined };
  validity = 0;
  /** One whose UIDs were all given: a new one must be larger. */
  spentValidity = 0;
  uidNext = 1;
  mailboxId = '';
  /** Of the courierimapuiddb whose state this is; undefined: there is none that can be added to. */
  uidStamp: string | undefined;
  /** Bases that courierimapuiddb lists and that no message has. */
  readonly deadLines = new Set<string>();
  /** Nobody may write here, so UIDs are only this process's. */
  readOnly = false;

  changes: ChangeStore | undefined;
  highestModseq = 0;
  /** Of the last scan of cur. */
  scan = 0;
  /** Names in new/. */
  waiting: readonly string[] = [];
  recent: number[] = [];
  /** Keyword files that are to be folded. */
  keywordFiles = 0;
  gone = false;
  /** Called after each change. */
  onChange: () => void = () => {};

  constructor(dir: string, options: FolderOptions, fileMode: number) {
    this.dir = dir;
    this.options = options;
    this.fileMode = fileMode;
    const onNfs = isOnNfs(dir);
    this.cur = new DirectoryState(onNfs, options.verifyMs);
    this.new = new DirectoryState(onNfs, options.verifyMs);
    this.keywordDir = new DirectoryState(onNfs, options.verifyMs);
  }

  get curPath(): string {
    return `${this.dir}/cur`;
  }

  get newPath(): string {
    return `${this.dir}/new`;
  }

  get keywordsMax(): number {
    return this.options.keywordsMax ?? KEYWORDS_MAX;
  }

  /** Of a message that comes from elsewhere: those that are no keyword too many here. */
  fittingKeywords(names: KeywordList): KeywordList {
    const { inUse } = this.table.names;
    if (names.length === 0 || inUse.length + names.length <= this.keywordsMax)
      return this.table.names.listOf(names);
    const known = new Set(inUse.map(asciiLower));
    return this.table.names.listOf(names.filter((name) => known.has(asciiLower(name))));
  }

  log(text: string): void {
    this.options.log?.(escapeForLog(`${this.dir}: ${text}`, LOG_LINE_MAX));
  }

  /** Runs `work` alone, unless the folder is no more. Everything it throws is a fault. */
  alone<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    return this.line.run(async () => {
      if (this.gone) throw folderIsGone();
      try {
        return await work();
      } catch (error) {
        throw this.faultOf(error, what);
      }
    });
  }

  /** A folder that was removed says so in many ways. */
  faultOf(error: unknown, what: string): Fault {
    const fault = faultOf(error, what);
    if (fault instanceof Temporary || (!this.gone && isDirectory(this.curPath))) return fault;
    this.gone = true;
    return fault instanceof FolderFault ? fault : folderIsGone(error);
  }

  async lock(): Promise<HeldLock> {
    if (this.options.useLocks === false) return { kind: 'held', release: () => {} };
    const lock = await lockFolder(this.dir, this.options.lockWaitMs);
    this.readOnly = lock.kind === 'none';
    return lock;
  }

  /** Milliseconds until the disk is to be looked at again, as a change may have hidden behind one of ours. */
  get verifyIn(): number | undefined {
    const times = [this.cur, this.new, this.keywordDir].flatMap(({ verifyIn }) => verifyIn ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Runs a change of ours in cur, so that it is not taken for another program's. */
  async changingCur<Result>(change: () => Promise<Result>): Promise<Result> {
    const before: Look = this.cur.look(this.curPath);
    try {
      return await change();
    } finally {
      this.cur.wasChanged(before, this.cur.look(this.curPath));
    }
  }

  /**
   * Messages that are new, have other flags or keywords, or are gone: they get a mod-sequence and all who ask hear of them.
   * Called at once after the change, so that nobody sees one without the other.
   */
  note(changed: readonly Stored[], gone: readonly Stored[]): void {
    if (changed.length === 0 && gone.length === 0) return;
    for (const message of gone) this.deadLines.add(message.base);
    this.table.remove(gone);
    // Before the first noting there is nobody to tell, and everything will be compared then.
    if (this.changes === undefined) return;
    const modseq = this.#number(
      changed,
      gone.map(({ uid }) => uid),
    );
    for (const message of gone) message.modseq = modseq;
    this.table.changed(changed);
    this.table.changed(gone);
    this.onChange();
  }

  /** When the folder was opened: what differs from what the cache remembers. */
  noteFirst(changed: readonly Stored[], gone: readonly number[]): void {
    if (changed.length > 0 || gone.length > 0 || this.highestModseq === 0)
      this.#number(changed, gone);
  }

  #number(changed: readonly Stored[], gone: readonly number[]): number {
    const { modseq, kept } = this.#noted(changed, gone);
    for (const message of changed) message.modseq = kept?.get(message.uid) ?? modseq;
    this.highestModseq = Math.max(this.highestModseq, modseq);
    return modseq;
  }

  #noted(changed: readonly Stored[], gone: readonly number[]) {
    try {
      if (this.changes === undefined) throw new Error('not open');
      return this.changes.note(changed.map(stateOf), gone);
    } catch (error) {
      // The cache is a convenience. The next process finds that these messages are not as it remembers them.
      this.log(`mod-sequences: ${error instanceof Error ? error.message : String(error)}`);
      return { modseq: Math.max(this.highestModseq + 1, Date.now()), kept: undefined };
    }
  }
}

function stateOf({ uid, flags, keywords }: Stored): Omit<KnownState, 'modseq'> {
  return { uid, flags, keywords };
}
