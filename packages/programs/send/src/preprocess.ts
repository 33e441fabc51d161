// Takes one message over from qmail-queue: todo/N becomes info/S/N and the channel files (S4 to S5 of
// qmail-queue-format(5)).
//
//   step                                  a crash right after it leaves, and what follows
//   leftovers unlinked                    S4: preprocessed from the start, as after every step up to the last
//   info, local, remote written           S4
//   these fsynced, and their directories  S4
//   qmail-clean unlinks intd/N            S4
//   qmail-clean unlinks todo/N            S5: found in info at the next start
//
// The fsyncs come before the unlinks, directories included: from the moment todo/N may be gone, the message
// lives in info, local and remote alone. That unlink itself is not fsynced: if a power failure undoes it, the
// message is preprocessed and delivered again, which is allowed; losing it would not be.

import { closeSync, constants, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf } from '@q/fault';
import { type DirectorySync, fsyncFd } from '@q/fsx';
import { encodeInfo, encodeRecipient, type QueueRecord } from '@q/queue-files';
import type { CleanLink } from './clean-link.ts';
import type { Context } from './context.ts';
import { READ_CHUNK, REWRITE_BATCH } from './limits.ts';
import { RecordFile } from './record-file.ts';
import { type RewriteRules, rewriteRecipient } from './rewrite.ts';
import { CHANNELS, type ChannelName } from './schedule.ts';
import { safeText } from './send-log.ts';

export interface PreprocessTools {
  readonly context: Context;
  readonly clean: CleanLink;
  readonly directories: DirectorySync;
}

/** For a message that was delivered from todo first, and not taken: see early.ts. */
export interface Announced {
  /** The rules it was rewritten by then. Its log lines have been written. */
  readonly rules: RewriteRules;
}

/** Trouble that has its log line already. The message stays in todo. */
class Trouble extends Error {}

/**
 * The channels the message has recipients in, once it is in S5. Undefined when it is not: it is gone
 * from todo already, or there was trouble, which has been logged; a later scan tries again.
 */
export async function preprocess(
  tools: PreprocessTools,
  id: string,
  announced?: Announced,
): Promise<readonly ChannelName[] | undefined> {
  const { paths, log } = tools.context;
  const todo = openTodo(paths.todo(id), log);
  if (todo === undefined) return undefined;
  const writers = new Map<ChannelName | 'info', NewFile>();
  try {
    const size = attempt(() => statSync(paths.mess(id)).size, `unable to stat ${paths.mess(id)}`);
    for (const path of [paths.local(id), paths.remote(id), paths.info(id)]) removeLeftover(path);
    writers.set('info', new NewFile(paths.info(id)));
    if (announced === undefined) log(`new msg ${id}`);
    await rewriteAll({ context: tools.context, id, size, todo, writers, announced });
    await Promise.all([...writers.values()].map((file) => file.makeDurable(tools.directories)));
    const cleaned = await tools.clean.request('todo', id);
    if (cleaned === false) throw new Trouble(`qmail-clean unable to clean up ${paths.todo(id)}`);
    if (cleaned === undefined) return undefined;
    return CHANNELS.filter((channel) => writers.has(channel));
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    log(`warning: ${error.message}`);
    return undefined;
  } finally {
    todo.close();
    for (const file of writers.values()) file.close();
  }
}

/** Undefined when it is not there: another look at the directory saw it first. */
function openTodo(path: string, log: Context['log']): RecordFile | undefined {
  try {
    return new RecordFile(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') log(`warning: unable to open ${path}`);
    return undefined;
  }
}

/** Files of an earlier attempt that did not end. */
function removeLeftover(path: string): void {
  attempt(() => {
    try {
      unlinkSync(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }, `unable to unlink ${path}`);
}

interface Rewriting {
  readonly context: Context;
  readonly id: string;
  readonly size: number;
  readonly todo: RecordFile;
  readonly writers: Map<ChannelName | 'info', NewFile>;
  readonly announced: Announced | undefined;
}

async function rewriteAll(rewriting: Rewriting): Promise<void> {
  const { context, id, size, todo, writers, announced } = rewriting;
  const { paths, log } = context;
  const path = paths.todo(id);
  let uid = '0';
  let pid = '0';
  let senderSeen = false;
  for (let count = 1; ; count++) {
    const record = attempt(() => todo.next(), `trouble reading ${path}`);
    if (record === undefined) break;
    switch (record.type) {
      case 'u':
        uid = digits(record);
        break;
      case 'p':
        pid = digits(record);
        break;
      case 'F':
        senderSeen = true;
        writers.get('info')?.append(encodeInfo(record.text));
        if (announced === undefined) log(infoLine(id, { size, sender: record.text, pid, uid }));
        break;
      case 'T': {
        const { channel, address } = rewriteRecipient(
          record.text,
          announced?.rules ?? context.settings.rules,
        );
        let file = writers.get(channel);
        if (file === undefined) {
          file = new NewFile(paths.channel(channel, id));
          writers.set(channel, file);
        }
        file.append(encodeRecipient(address));
        break;
      }
      default:
        throw new Trouble(`unknown record type in ${path}`);
    }
    // A mailing list's many recipients must not hold up everybody else's mail.
    if (count % REWRITE_BATCH === 0) await nextTurn();
  }
  if (!senderSeen) throw new Trouble(`trouble reading ${path}: it has no sender`);
}

/** The line that says what has arrived (qmail-log(5)). */
export function infoLine(
  id: string,
  of: {
    readonly size: number;
    readonly sender: string;
    readonly pid: string;
    readonly uid: string;
  },
): string {
  return `info msg ${id}: bytes ${of.size} from <${safeText(of.sender)}> qp ${of.pid} uid ${of.uid}`;
}

function digits(record: QueueRecord): string {
  return /^[0-9]{1,20}/.exec(record.text)?.[0] ?? '0';
}

/** A file that must not exist yet, written in blocks. */
class NewFile {
  readonly #path: string;
  readonly #fd: number;
  #pending: Buffer[] = [];
  #size = 0;

  constructor(path: string) {
    this.#path = path;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    this.#fd = attempt(() => openSync(path, flags, 0o600), `unable to create ${path}`);
  }

  append(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= READ_CHUNK) this.#flush();
  }

  async makeDurable(directories: DirectorySync): Promise<void> {
    this.#flush();
    try {
      await Promise.all([fsyncFd(this.#fd), directories.sync(dirname(this.#path))]);
    } catch {
      throw new Trouble(`trouble fsyncing ${this.#path}`);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#size = 0;
    attempt(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    }, `trouble writing to ${this.#path}`);
  }
}

function attempt<Result>(action: () => Result, what: string): Result {
  try {
    return action();
  } catch {
    throw new Trouble(what);
  }
}
