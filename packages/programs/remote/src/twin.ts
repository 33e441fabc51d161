// Whether the qmail-remote that would be run is this project's own, so that its work may as well be done
// without running it; and whether the administrator wants that.

import { accessSync, type BigIntStats, constants, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openControl } from '@q/control';
import { stampOf } from '@q/fsx';
import { TWIN_CHECK_MS } from './limits.ts';
import { REMOTE_SUMMARY } from './qmail-remote.ts';

export interface TwinOptions {
  readonly home: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Directories, as in PATH, in which qmail-remote is looked for. */
  readonly path: string;
}

/** Tells, at any time, whether deliveries are to be made in this process; looks again every second. */
export function residentCheck(options: TwinOptions): () => boolean {
  let answer = false;
  let until = 0;
  const isOwn = ownFile();
  return () => {
    if (options.env.QMAILREMOTE !== undefined) return false;
    if (performance.now() < until) return answer;
    until = performance.now() + TWIN_CHECK_MS;
    answer = isWanted(options.home) && isOwn(options.path);
    return answer;
  };
}

/** control/remoteworkers: 0 is a process for each delivery. */
function isWanted(home: string): boolean {
  try {
    return openControl(home).int('remoteworkers', 1) !== 0;
  } catch {
    return true; // the delivery will find out, and tell
  }
}

/** One that is not there at all, as in the middle of an upgrade, has not been replaced by another. */
function ownFile(): (path: string) => boolean {
  let known: { readonly stamp: string; readonly own: boolean } | undefined;
  return (path) => {
    const file = firstIn(path);
    if (file === undefined) return true;
    const stamp = `${file.name} ${stampOf(file.stats)}`;
    if (known?.stamp !== stamp) known = { stamp, own: hasSummary(file.name) };
    return known.own;
  };
}

function firstIn(path: string): { readonly name: string; readonly stats: BigIntStats } | undefined {
  for (const directory of path.split(':')) {
    const name = join(directory || '.', 'qmail-remote');
    try {
      accessSync(name, constants.X_OK);
      const stats = statSync(name, { bigint: true });
      if (stats.isFile()) return { name, stats };
    } catch {
      // not here
    }
  }
  return undefined;
}

/** Every build of ours has its summary in it, for --help. */
function hasSummary(name: string): boolean {
  try {
    return readFileSync(name).includes(REMOTE_SUMMARY);
  } catch {
    return false;
  }
}
