// What is wrong with a message, from the facts alone: the state table at the head of @q/queue-files, turned round.

import { OSSIFIED } from '@q/queue-files';
import type { FileFacts, MessageFacts } from './facts.ts';
import { MESSAGE_DIRECTORIES, type MessageDirectory, placeOf } from './files.ts';

/** What --repair does about it; nothing is done about a note or about damage. */
export type Remedy =
  /** Make or correct a directory, a lock or the trigger. */
  | 'tree'
  /** Give it the owner and mode it must have. */
  | 'own'
  /** Move it to the directory where it belongs. */
  | 'move'
  /** Rename everything of the message to its inode number. */
  | 'renumber'
  /** Take it out of the queue, to queue/lost. */
  | 'lose'
  /** Write an info file with the empty sender: the mail is delivered, failures go to the postmaster. */
  | 'sender';

export interface Finding {
  /** Relative to the queue. */
  readonly path: string;
  readonly what: string;
  readonly remedy?: Remedy;
  /** Nothing is wrong, but it is worth knowing. */
  readonly note?: boolean;
}

export interface Owners {
  readonly qmailq: number;
  readonly qmails: number;
}

const MODE: Readonly<Record<MessageDirectory, number>> = {
  mess: 0o644,
  todo: 0o644,
  intd: 0o644,
  info: 0o600,
  local: 0o600,
  remote: 0o600,
  bounce: 0o600,
};

/** Owner and mode that a message's file of this kind must have. Its group does not matter. */
export function rightsOf(
  directory: MessageDirectory,
  owners: Owners,
): { uid: number; mode: number } {
  const queues = directory === 'mess' || directory === 'todo' || directory === 'intd';
  return { uid: queues ? owners.qmailq : owners.qmails, mode: MODE[directory] };
}

/** `now` in seconds since 1970. */
export function judge(facts: MessageFacts, owners: Owners, now: number): Finding[] {
  const findings: Finding[] = [];
  for (const directory of MESSAGE_DIRECTORIES) {
    const file = facts[directory];
    if (file !== undefined) findings.push(...judgeFile(facts.id, directory, file, owners));
  }
  if (findings.some(({ what }) => what === NOT_A_FILE)) return findings;
  return [...findings, ...judgeState(facts, now)];
}

const NOT_A_FILE = 'is not a regular file';

function judgeFile(
  id: string,
  directory: MessageDirectory,
  file: FileFacts,
  owners: Owners,
): Finding[] {
  const path = `${placeOf(directory, id)}/${id}`;
  if (!file.regular) return [{ path, what: NOT_A_FILE }];
  const findings: Finding[] = [];
  const { uid, mode } = rightsOf(directory, owners);
  if (file.uid !== uid)
    findings.push({ path, what: `belongs to uid ${file.uid}, not ${uid}`, remedy: 'own' });
  if (file.mode !== mode)
    findings.push({
      path,
      what: `has mode ${octal(file.mode)}, not ${octal(mode)}`,
      remedy: 'own',
    });
  if (directory === 'mess' && file.inode !== id)
    findings.push({ path, what: `has inode number ${file.inode}`, remedy: 'renumber' });
  // A damaged info is judged with the state: the sender can be replaced.
  if (file.damage !== undefined && directory !== 'info') findings.push({ path, what: file.damage });
  return findings;
}

function judgeState(facts: MessageFacts, now: number): Finding[] {
  const { id, mess, todo, info, local, remote, bounce } = facts;
  const at = (directory: MessageDirectory) => `${placeOf(directory, id)}/${id}`;
  if (mess === undefined) {
    return MESSAGE_DIRECTORIES.filter((directory) => facts[directory] !== undefined).map(
      (directory) => ({
        path: at(directory),
        what: 'belongs to no message',
        remedy: 'lose',
      }),
    );
  }
  if (todo !== undefined) {
    if (bounce === undefined) return [];
    return [
      { path: at('bounce'), what: 'is of an earlier message with this number', remedy: 'lose' },
    ];
  }
  if (info !== undefined) {
    const findings: Finding[] = mess.size === 0 ? [{ path: at('mess'), what: 'is empty' }] : [];
    if (info.damage === undefined) return findings;
    return [
      ...findings,
      { path: at('info'), what: `${info.damage}: the sender is lost`, remedy: 'sender' },
    ];
  }
  if (local !== undefined || remote !== undefined || bounce !== undefined)
    return [{ path: at('info'), what: 'is missing: the sender is lost', remedy: 'sender' }];
  if (now <= mess.atime + OSSIFIED) return [];
  return [
    { path: at('mess'), what: 'was left over and will be removed by qmail-send', note: true },
  ];
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
