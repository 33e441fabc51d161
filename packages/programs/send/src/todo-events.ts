// The names that appear in todo, as the kernel tells them (inotify). A hint and nothing more: events can get lost.

import { type FSWatcher, watch } from 'node:fs';
import { isMessageId } from '@q/queue-files';
import { FRESH_MAX } from './limits.ts';

export class TodoEvents {
  readonly #watcher: FSWatcher | undefined;
  #working: boolean;
  /** Messages that were removed, while the event that says so is still to come. */
  readonly #removed = new Set<string>();
  /** Events of removals that came before we knew of them. */
  readonly #early = new Set<string>();

  /** `isTaken`: the message is being dealt with, so that an event can only mean its removal. */
  constructor(path: string, isTaken: (id: string) => boolean, onArrival: (id: string) => void) {
    try {
      this.#watcher = watch(path, (_event, name) => {
        if (name === null || !isMessageId(name)) return;
        // An event does not tell an arrival from a removal, and to look for what is gone would cost more than this.
        if (isTaken(name)) note(this.#early, name);
        else if (!this.#removed.delete(name)) onArrival(name);
      });
      this.#watcher.on('error', () => this.close());
      this.#working = true;
    } catch {
      this.#working = false; // no inotify left for us: new mail is found by scans alone
    }
  }

  /** True when arrivals are told, as far as anybody knows. */
  get working(): boolean {
    return this.#working;
  }

  /** The message is about to be no longer taken, for it has been removed from todo. */
  removed(id: string): void {
    if (this.#working && !this.#early.delete(id)) note(this.#removed, id);
  }

  close(): void {
    this.#working = false;
    this.#watcher?.close();
  }
}

/** A set that lost events cannot make grow: what is forgotten costs one look at a file that is not there. */
function note(set: Set<string>, id: string): void {
  if (set.size >= FRESH_MAX) set.clear();
  set.add(id);
}
