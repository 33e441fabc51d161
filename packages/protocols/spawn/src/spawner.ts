// What qmail-lspawn and qmail-rspawn have in common: commands in, the message opened and checked, one
// report out for each command, any number of deliveries side by side (qmail-lspawn(8), qmail-rspawn(8)).
// How a delivery is made is the program's own; nothing here knows of users or hosts.

import { constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { isFault } from '@q/fault';
import { closeAnyway } from '@q/fsx';
import { type DeliveryCommand, DeliveryDecoder } from './command.ts';
import { SPAWN_LIMIT } from './limits.ts';
import { REFUSAL, refusalOf } from './refusal.ts';
import { encodeReport, encodeSpawnLimit } from './report.ts';

/** One delivery whose message is open and known to be the queue's own. */
export interface Delivery {
  /** Latin1 text, without angle brackets. */
  readonly sender: string;
  /** Latin1 text with at least one "@". */
  readonly recipient: string;
  /** A regular file open for reading, at offset 0. The spawner closes it when the delivery is over. */
  readonly messageFd: number;
}

export interface SpawnerOptions {
  /** Where qmail-send writes; its end means: finish what runs, then stop. */
  readonly commands: Readable;
  readonly reports: Writable;
  /** queue/mess, absolute. */
  readonly messDir: string;
  /** The uid that must own a message: qmailq's. */
  readonly messageOwner: number;
  /** Slots offered; default SPAWN_LIMIT. */
  readonly limit?: number;
  /** Tries one delivery and resolves to its report: "K", "Z" or "D" and a text. */
  readonly deliver: (delivery: Delivery) => Promise<string>;
}

/**
 * Serves until `commands` ends and every delivery has reported. A delivery that hangs holds its own slot
 * and nothing else. When qmail-send is gone reports have no reader; deliveries are still finished.
 */
export async function runSpawner(options: SpawnerOptions): Promise<void> {
  const { commands, reports } = options;
  const limit = options.limit ?? SPAWN_LIMIT;
  const running = new Map<number, Promise<void>>();
  const decoder = new DeliveryDecoder();
  // Nobody hears us any more: finish and go, for without reports qmail-send's slots would stay taken for ever.
  reports.on('error', () => commands.destroy());
  reports.write(encodeSpawnLimit(limit));

  // The reports of one turn of the event loop go out in one write.
  let answers: Buffer[] = [];
  const flush = () => {
    const bytes = Buffer.concat(answers);
    answers = [];
    if (bytes.length > 0 && reports.writable) reports.write(bytes);
  };
  const answer = (slot: number, text: string) => {
    if (answers.length === 0) setImmediate(flush);
    answers.push(encodeReport(slot, text));
  };
  const onCommand = (command: DeliveryCommand) => {
    const refusal = refusalOf(command, limit, (slot) => running.has(slot));
    if (refusal !== undefined) {
      answer(command.slot, refusal);
      return;
    }
    const delivery = attempt(command, options).then((text) => {
      // Free before the report is out: qmail-send may use the slot again as soon as it has read it.
      running.delete(command.slot);
      answer(command.slot, text);
    });
    running.set(command.slot, delivery);
  };

  try {
    for await (const chunk of commands) decoder.push(chunk as Buffer, onCommand);
  } catch {
    // A broken pipe is an ended one.
  }
  await Promise.all(running.values());
  flush();
  await new Promise<void>((resolve) => {
    if (reports.destroyed) resolve();
    reports.once('close', resolve);
    reports.end(resolve);
  });
}

async function attempt(command: DeliveryCommand, options: SpawnerOptions): Promise<string> {
  const opened = openMessage(join(options.messDir, command.message), options.messageOwner);
  if ('refusal' in opened) return opened.refusal;
  const { sender, recipient } = command;
  try {
    return await options.deliver({ sender, recipient, messageFd: opened.fd });
  } catch (error) {
    // A program turns its own troubles into reports; what gets here was not foreseen, so mail waits.
    return isFault(error) ? `Z${error.message}. (#4.3.0)\n` : REFUSAL.cannotFork;
  } finally {
    closeAnyway(opened.fd);
  }
}

type Opened = { readonly fd: number } | { readonly refusal: string };

/**
 * Opens a message that a less trusted process named. Nothing but a regular file of the queue's owner
 * gets through: no link in the last place, no FIFO to hang on, no file of somebody else.
 */
function openMessage(path: string, owner: number): Opened {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return { refusal: REFUSAL.cannotOpen };
  }
  const refusal = unfit(fd, owner);
  if (refusal === undefined) return { fd };
  closeAnyway(fd);
  return { refusal };
}

function unfit(fd: number, owner: number): string | undefined {
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return REFUSAL.wrongType;
    if (stats.uid !== owner) return REFUSAL.wrongOwner;
    return undefined;
  } catch {
    return REFUSAL.cannotStat;
  }
}
