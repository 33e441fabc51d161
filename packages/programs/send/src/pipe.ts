// The ends of qmail-send's pipes, which its parent opened: pipes, or socket pairs where another program started
// it. Each end is used in one direction only.

import { Socket } from 'node:net';

/**
 * The reading end at `fd`. `onEnd` is called once: end of file or any error, which mean the same here; not
 * after our own destroy().
 */
export function openInput(fd: number, onData: (chunk: Buffer) => void, onEnd: () => void): Socket {
  const socket = new Socket({ fd, readable: true, writable: false });
  let ended = false;
  const end = () => {
    if (!ended) onEnd();
    ended = true;
  };
  socket.on('data', onData);
  socket.on('end', end);
  socket.on('error', end);
  return socket;
}

/** The writing end at `fd`. A reader that is gone is noticed on the input side; errors here only say so too. */
export function openOutput(fd: number, onGone: () => void): Socket {
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.on('error', onGone);
  return socket;
}
