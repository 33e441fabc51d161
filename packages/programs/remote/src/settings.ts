// The control files of remote delivery. qmail-control(5).

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type ColonMap, openControl } from '@q/control';
import { Temporary } from '@q/fault';
import { stampAt } from '@q/fsx';
import { RECIPIENTS_MAX } from './limits.ts';

export interface Settings {
  /** The name we give. */
  readonly helo: string;
  readonly smtproutes: ColonMap | undefined;
  readonly qmtproutes: ColonMap | undefined;
  readonly bindroutes: ColonMap | undefined;
  readonly connectSeconds: number;
  readonly replySeconds: number;
  /** The most recipients of one transaction; only qmail-rspawn joins any. */
  readonly recipientsMax: number;
}

/** Every file that `readSettings` looks at. */
const FILES = [
  'me',
  'helohost',
  'smtproutes',
  'qmtproutes',
  'bindroutes',
  'timeoutconnect',
  'timeoutremote',
  'remoterecipients',
] as const;

/** Throws Temporary with qmail-remote's texts. */
export function readSettings(home: string): Settings {
  checkHome(home);
  const control = openControl(home);
  try {
    return {
      helo: control.lineOrMe('helohost'),
      smtproutes: control.map('smtproutes'),
      qmtproutes: control.map('qmtproutes'),
      bindroutes: control.map('bindroutes'),
      connectSeconds: control.int('timeoutconnect', 60),
      replySeconds: control.int('timeoutremote', 1200),
      recipientsMax: Math.max(1, control.int('remoterecipients', RECIPIENTS_MAX)),
    };
  } catch (cause) {
    throw new Temporary('Unable to read control files. (#4.3.0)', { cause });
  }
}

/**
 * `readSettings` for many calls: files are read again when one of them has changed, and after a failure. They are looked
 * at once in a turn of the event loop: all commands that have come together are carried out by the same settings.
 */
export function watchedSettings(home: string): () => Settings {
  const files = FILES.map((name) => join(home, 'control', name));
  let known: { readonly stamp: string; readonly settings: Settings } | undefined;
  let looked = false;
  return () => {
    if (looked && known !== undefined) return known.settings;
    // Before the reading: what changes meanwhile makes the next stamp differ.
    const stamp = files.map(lookAt).join('\n');
    if (known?.stamp !== stamp) {
      known = undefined;
      known = { stamp, settings: readSettings(home) };
    }
    looked = true;
    setImmediate(() => {
      looked = false;
    });
    return known.settings;
  };
}

/** One that cannot be looked at counts as none: reading it will say what is wrong. */
function lookAt(file: string): string {
  try {
    return stampAt(file) ?? '-';
  } catch {
    return '-';
  }
}

function checkHome(home: string): void {
  try {
    if (statSync(home).isDirectory()) return;
  } catch {
    // told below
  }
  throw new Temporary('Unable to switch to home directory. (#4.3.0)');
}
