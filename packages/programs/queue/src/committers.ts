// Who is committing a message in a process that takes many. One that is alone waits for the disk where it stands: handing
// its fsyncs to other threads and hearing of their ends costs more than most of them take. Where there are several,
// threads let the fsyncs run side by side, and the file system does them together.

export class Committers {
  readonly #deciding: ((alone: boolean) => void)[] = [];
  #count = 0;

  /**
   * Resolves to true when nobody else is committing, or has come to it in this turn of the event loop. Every call is
   * followed by one of leave().
   */
  enter(): Promise<boolean> {
    return new Promise((resolve) => {
      // All that has arrived by now is looked at before.
      if (this.#deciding.push(resolve) === 1) setImmediate(() => this.#decide());
    });
  }

  leave(): void {
    this.#count--;
  }

  #decide(): void {
    const alone = this.#count === 0 && this.#deciding.length === 1;
    this.#count += this.#deciding.length;
    for (const resolve of this.#deciding.splice(0)) resolve(alone);
  }
}
