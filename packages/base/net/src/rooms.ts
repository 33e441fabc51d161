// Buffers that are used again. V8 counts a Buffer's memory beside its heap and lets tens of megabytes of it become
// garbage before it looks: a large message that passes in new Buffers leaves its traces in the process's size.

import { READ_SIZE, ROOMS_KEPT } from './limits.ts';

/** Bytes of a room. */
export const ROOM_SIZE = READ_SIZE;

const free: Buffer[] = [];

/** A room with anything in it. Who has it may keep it: rooms that never come back are garbage like all else. */
export function takeRoom(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(ROOM_SIZE);
}

/** From now on its bytes are the next one's: nobody may look at them any more, the kernel included. */
export function giveBackRoom(room: Buffer): void {
  if (free.length < ROOMS_KEPT) free.push(room);
}
