// The queue's trigger, lock/trigger: a FIFO. Whoever puts a message in writes one byte; qmail-send wakes.
// The byte's value means nothing and losing it is harmless: qmail-send scans every 1500 s anyway.

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** Wakes whoever watches the FIFO. No reader, no FIFO, a full FIFO: all fine, nothing is thrown. */
export function pullTrigger(path: string): void {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, Buffer.alloc(1));
    } finally {
      closeSync(fd);
    }
  } catch {
    // Nobody listens, or it is about to wake anyway.
  }
}

export interface TriggerWatch {
  close(): void;
}

/**
 * Calls `onPull` after each batch of pulls. The FIFO is opened for reading and writing, which on Linux
 * never meets end of file when writers leave, so no pull is lost between a close and a reopen.
 * Throws when the FIFO cannot be opened.
 */
export function watchTrigger(path: string, onPull: () => void): TriggerWatch {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const fifo = new Socket({ fd, readable: true, writable: false });
  fifo.on('data', onPull);
  fifo.on('error', () => fifo.destroy());
  return { close: () => void fifo.destroy() };
}
