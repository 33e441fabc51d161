// vmailmgrd's log lines:
//
//   [4711] Request: deluser example.org joe <adminpass>
//   [4711] Completed: OK: Deleted user.

import { escapeForLog, openLog } from '@q/log';
import { REPLY_NAMES, type Request } from '@q/vmailmgrd';
import { loggable } from './commands.ts';
import type { Outcome } from './replies.ts';

/** failures: only requests that did not end in OK. */
export interface LogLevel {
  readonly which: 'all' | 'failures';
  /** Also who the client was and what was found for it. */
  readonly verbose: boolean;
}

/** -d and -D, -v and -V. */
export function logLevelOf(options: Readonly<Record<string, unknown>>): LogLevel {
  return { which: options.d === true ? 'failures' : 'all', verbose: options.V === true };
}

export interface RequestLog {
  request(request: Request): void;
  /** Only at -V. */
  detail(text: string): void;
  completed(outcome: Outcome): void;
  /** A request that nobody answers. */
  malformed(reason: string): void;
}

/** The lines of request `id`. */
export function openRequestLog(id: number, { which, verbose }: LogLevel): RequestLog {
  const say = (kind: string, text: string) => openLog(`[${id}] ${kind}`)(escapeForLog(text));
  let pending = '';
  return {
    request: (request) => {
      if (which === 'all') say('Request', loggable(request));
      else pending = loggable(request);
    },
    detail: (text) => {
      if (verbose) say('Detail', text);
    },
    completed: ({ code, text }) => {
      if (which === 'failures' && code === 0) return;
      if (pending !== '') say('Request', pending);
      say('Completed', `${REPLY_NAMES[code]}: ${text}`);
    },
    malformed: (reason) => say('Completed', `BAD: ${reason}`),
  };
}
