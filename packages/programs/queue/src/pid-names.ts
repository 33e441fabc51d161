// Names in queue/pid: PID.TIME.SEQ. No two of one process are the same; another process with a recycled
// pid in the same second meets O_EXCL and takes the next one.

export class PidNames {
  readonly #pid: number;
  #second = 0;
  #seq = 0;

  constructor(pid = process.pid) {
    this.#pid = pid;
  }

  /** The next name; `now` in milliseconds. */
  next(now: number): string {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#seq = 0;
    }
    return `${this.#pid}.${second}.${++this.#seq}`;
  }
}
