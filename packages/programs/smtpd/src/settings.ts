// The control files of a resident server: read when they have changed, which a few calls of stat(2) tell, and not for
// each connection. A file that is there tells by itself; one that is not, by the directory it would appear in.

import { type BigIntStats, lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Control, openControl } from '@q/control';
import { stampOf } from '@q/fsx';
import { readSettings, SETTINGS_FILES, type Settings } from './config.ts';
import { SETTLED_MS } from './limits.ts';

interface Kept {
  readonly settings: Settings;
  /** The paths to be looked at, and what they were when the settings were read. */
  readonly stamps: ReadonlyMap<string, string>;
}

export class CurrentSettings {
  readonly #control: Control;
  readonly #directory: string;
  #kept: Kept | undefined;

  constructor(home: string) {
    this.#control = openControl(home);
    this.#directory = join(home, 'control');
  }

  /** What the files say now. Throws as readSettings does. */
  get(): Settings {
    if (this.#kept !== undefined && stillSo(this.#kept.stamps)) return this.#kept.settings;
    this.#kept = undefined;
    const stamps = this.#stamps(Date.now());
    const settings = readSettings(this.#control);
    // A file that changed while it was read shows at the next look: its stamp was taken before.
    if (stamps !== undefined) this.#kept = { settings, stamps };
    return settings;
  }

  /** What there is to look at; undefined when looking at it would not tell of every change. `now` in milliseconds. */
  #stamps(now: number): Map<string, string> | undefined {
    const stamps = new Map<string, string>();
    const paths = SETTINGS_FILES.map((name) => join(this.#directory, name));
    for (const path of [this.#directory, ...paths]) {
      const stats = statOf(path);
      if (stats === 'unknown') return undefined;
      if (stats === undefined) {
        // A link that leads nowhere: what it leads to can appear in any directory.
        if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return undefined;
        continue;
      }
      // A second change within one tick of the file system's clock would leave the same times.
      const changed = Math.max(Number(stats.mtimeMs), Number(stats.ctimeMs));
      if (now - changed < SETTLED_MS) return undefined;
      stamps.set(path, stampOf(stats));
    }
    return stamps;
  }
}

function stillSo(stamps: ReadonlyMap<string, string>): boolean {
  for (const [path, stamp] of stamps) {
    const stats = statOf(path);
    if (stats === undefined || stats === 'unknown' || stampOf(stats) !== stamp) return false;
  }
  return true;
}

function statOf(path: string): BigIntStats | undefined | 'unknown' {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return 'unknown'; // reading it will say what is wrong
  }
}
