// qmail-lspawn's report: how qmail-local ended, in words for qmail-send. qmail-lspawn(8).

import type { Exit } from '@q/proc';
import { EXIT_HOME_TROUBLE, EXIT_NO_ALIAS, EXIT_SYSTEM_TROUBLE, EXIT_USERS_CDB } from '@q/users';
import { LOCAL_EXIT } from './exit-codes.ts';
import { REPORT_KEPT } from './limits.ts';

/** Reports in place of the output, for codes that qmail-local itself does not end with. */
const FIXED: ReadonlyMap<number, string> = new Map([
  [EXIT_USERS_CDB, 'ZTrouble reading users/cdb in qmail-lspawn.\n'],
  [119, 'ZOut of memory in qmail-lspawn.\n'],
  [EXIT_SYSTEM_TROUBLE, 'ZTemporary failure in qmail-lspawn.\n'],
  [EXIT_NO_ALIAS, 'ZUnable to find alias user!\n'],
  [LOCAL_EXIT.ROOT, 'ZNot allowed to perform deliveries as root.\n'],
  [LOCAL_EXIT.BUG, 'ZInternal qmail-lspawn bug.\n'],
  [EXIT_HOME_TROUBLE, 'ZNFS failure in qmail-local.\n'],
  [LOCAL_EXIT.EXEC_HARD, 'DUnable to run qmail-local.\n'],
  [LOCAL_EXIT.EXEC_SOFT, 'ZUnable to run qmail-local.\n'],
  [LOCAL_EXIT.EXEC_GETPW, 'ZUnable to run qmail-getpw.\n'],
]);

/**
 * Codes after which the output is a reason to wait. 1 and 127 are additions: qmail-local never ends with
 * them, but node and env(1) do when the installation is being changed, and mail must not bounce for that.
 */
const TEMPORARY: ReadonlySet<number> = new Set([
  111,
  71,
  74,
  75,
  LOCAL_EXIT.NODE,
  LOCAL_EXIT.INTERPRETER,
]);

const CLIPPED = '\nError report too long, sorry.\n';
const CLIPPED_KEPT = REPORT_KEPT - CLIPPED.length - 3;

/** `output` is the first REPORT_KEPT bytes as latin1 text; `clipped` says that there was more. */
export function localReport(exit: Exit, output = '', clipped = false): string {
  if ('signal' in exit) return 'Zqmail-local crashed.\n';
  const fixed = FIXED.get(exit.code);
  if (fixed !== undefined) return fixed;
  const text = clipped ? output.slice(0, CLIPPED_KEPT) + CLIPPED : output;
  const nul = text.indexOf('\0');
  return letterOf(exit.code) + (nul < 0 ? text : text.slice(0, nul));
}

function letterOf(code: number): 'K' | 'Z' | 'D' {
  if (code === 0) return 'K';
  return TEMPORARY.has(code) ? 'Z' : 'D';
}
