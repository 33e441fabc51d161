// Where the pieces of a message are: qmail-queue-format(5). A message's id is the inode number of its mess file, in
// decimal; a file of message N in a split directory is at DIR/(N mod 23)/N. Nothing else names a message.
//
// What exists tells the state (+ yes, - no, ? either):
//
//        mess intd todo info local remote bounce
//   S1    -    -    -    -    -     -      -      no such message
//   S2    +    -    -    -    -     -      -      being written by qmail-queue, or finished, or left over
//   S3    +    +    -    -    -     -      -      envelope being written, or left over
//   S4    +    ?    +    ?    ?     ?      -      queued: the sender may forget it
//   S5    +    -    -    +    ?     ?      ?      preprocessed: qmail-send delivers from info, local, remote
//
// S1 → S2 link pid/x to mess; S2 → S3 create intd; S3 → S4 link intd to todo: the commit. S4 → S5 write info,
// local, remote anew, fsync them, unlink intd, then todo. S5 → S2 unlink local and remote when each is done,
// then bounce, then info. S2 → S1 unlink intd, then mess.
// After a crash S2 and S3 are garbage once OSSIFIED; S4 is preprocessed from the start; S5 goes on, and may
// deliver again what was not yet marked done.

import { join } from 'node:path';
import { Permanent } from '@q/fault';
import { SPLIT } from './limits.ts';

export type Channel = 'local' | 'remote';
export type LockName = 'sendmutex' | 'tcpto' | 'trigger';
export type QueueDirectory =
  | 'pid'
  | 'mess'
  | 'intd'
  | 'todo'
  | 'info'
  | 'local'
  | 'remote'
  | 'bounce'
  | 'lock';

const DIRECTORIES: readonly QueueDirectory[] = [
  'pid',
  'mess',
  'intd',
  'todo',
  'info',
  'local',
  'remote',
  'bounce',
  'lock',
];

/** A number of fewer digits than this is exact as a double. */
const EXACT_DIGITS = 16;

/** The paths of one queue. Every method that takes an id throws Permanent for what is not an id. */
export class QueuePaths {
  readonly root: string;
  /** Put together once: these are asked for some ten times for each message. */
  readonly #directories = new Map<QueueDirectory, string>();

  /** `root` is the queue directory itself, QMAILHOME/queue. */
  constructor(root: string) {
    this.root = root;
    for (const name of DIRECTORIES) this.#directories.set(name, join(root, name));
  }

  /** A whole directory, for scanning. */
  directory(name: QueueDirectory): string {
    return this.#directories.get(name) as string;
  }

  /** One of the SPLIT subdirectories of mess, info, local or remote; `split` is 0 to SPLIT-1. */
  splitDirectory(name: 'mess' | 'info' | Channel, split: number): string {
    return `${this.directory(name)}/${split}`;
  }

  /** The file a message is written to before it has an id. */
  pid(name: string): string {
    if (!/^[0-9A-Za-z][0-9A-Za-z.-]*$/.test(name)) throw new Permanent('not a name for queue/pid');
    return `${this.directory('pid')}/${name}`;
  }

  mess(id: string): string {
    return `${this.directory('mess')}/${this.messName(id)}`;
  }

  /** `S/N`, the mess file as the spawners are told it, relative to queue/mess. */
  messName(id: string): string {
    return `${splitOf(id)}/${id}`;
  }

  intd(id: string): string {
    return `${this.directory('intd')}/${checked(id)}`;
  }

  todo(id: string): string {
    return `${this.directory('todo')}/${checked(id)}`;
  }

  info(id: string): string {
    return `${this.directory('info')}/${this.messName(id)}`;
  }

  local(id: string): string {
    return this.channel('local', id);
  }

  remote(id: string): string {
    return this.channel('remote', id);
  }

  channel(channel: Channel, id: string): string {
    return `${this.directory(channel)}/${this.messName(id)}`;
  }

  bounce(id: string): string {
    return `${this.directory('bounce')}/${checked(id)}`;
  }

  lock(name: LockName): string {
    return `${this.directory('lock')}/${name}`;
  }
}

/** The subdirectory a message's split files are in: id mod SPLIT. Throws Permanent for what is not an id. */
export function splitOf(id: string): number {
  if (checked(id).length < EXACT_DIGITS) return Number(id) % SPLIT;
  return Number(BigInt(id) % BigInt(SPLIT));
}

/** True for a message id in its one spelling; a directory entry that is none is not a message. */
export function isMessageId(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,19})$/.test(text);
}

/** The id of the message whose mess file has this inode number. */
export function messageIdOf(inode: bigint): string {
  return inode.toString();
}

function checked(id: string): string {
  if (!isMessageId(id)) throw new Permanent('not a message number');
  return id;
}
