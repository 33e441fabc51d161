// How far long work has come, for whoever waits at a terminal; nothing is written anywhere else.

export interface Progress {
  step(): void;
  /** Takes the line away. */
  end(): void;
}

const EVERY_MS = 500;

/** Counts steps on a line of descriptor 2 that is written over: "12000 messages looked at". */
export function startProgress(what: string): Progress {
  if (process.stderr.isTTY !== true) return { step: () => {}, end: () => {} };
  let count = 0;
  let next = Date.now() + EVERY_MS;
  let written = false;
  return {
    step: () => {
      count++;
      if (Date.now() < next) return;
      next = Date.now() + EVERY_MS;
      written = true;
      process.stderr.write(`\r\x1b[K${count} ${what}`);
    },
    end: () => {
      if (written) process.stderr.write('\r\x1b[K');
    },
  };
}
