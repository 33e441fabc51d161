// The one list that decides which errno is soft (qmail's error_temp), and errno's plain words.

import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

const TEMPORARY: ReadonlySet<string> = new Set([
  'EINTR',
  'ENOMEM',
  'ETXTBSY',
  'EIO',
  'ETIMEDOUT',
  'EWOULDBLOCK',
  'EAGAIN',
  'EDEADLK',
  'EBUSY',
  'ENFILE',
  'EMFILE',
  'EFBIG',
  'ENOSPC',
  'ENETDOWN',
  'ENETUNREACH',
  'ENETRESET',
  'ECONNABORTED',
  'ECONNRESET',
  'ENOBUFS',
  'ETOOMANYREFS',
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EPROCLIM',
  'EUSERS',
  'EDQUOT',
  'ESTALE',
  'ENOLCK',
]);

/** True when the condition may pass by itself: error_temp(3). Everything not listed is permanent. */
export function isTemporaryErrno(code: string): boolean {
  return TEMPORARY.has(code);
}

/** The errno name ("ENOENT") of a Node system error, or undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  if (typeof code !== 'string') return undefined;
  if (/^E[A-Z0-9]+$/.test(code)) return code;
  return typeof errno === 'number' ? nameOf(-errno) : undefined;
}

/** libuv knows no name for EDQUOT, ESTALE, ENOLCK and more: Node calls them "Unknown system error -122". */
function nameOf(errno: number): string | undefined {
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
}

/** What an errno means in words, without paths: "no such file or directory". */
export function errnoText(error: unknown): string {
  const code = errnoOf(error);
  if (code === undefined) return error instanceof Error ? error.message : String(error);
  for (const [name, text] of getSystemErrorMap().values()) if (name === code) return text;
  return code;
}
