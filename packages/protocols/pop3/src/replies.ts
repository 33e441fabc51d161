// Every POP3 reply text, qmail's word for word where qmail has one. `+OK ` ends in a space, as qmail's does.

export const OK = '+OK \r\n';
export const END_OF_LIST = '.\r\n';

/** A positive reply with a text. */
export function ok(text: string): string {
  return `+OK ${text}\r\n`;
}

/** A negative reply. `text` is ours: nothing a peer sent is ever repeated to it. */
export function err(text: string): string {
  return `-ERR ${text}\r\n`;
}

export const ERR = {
  // Any state.
  unimplemented: err('unimplemented'),
  syntax: err('syntax error'),
  lineTooLong: err('command line too long'),
  tooManyBad: err('too many bad commands'),
  timeout: err('timeout'),
  // Before login: qmail-popup.
  authorizationFirst: err('authorization first'),
  userFirst: err('USER first'),
  /** RFC 3206: AUTH says that it is the name or the password, and nothing else. */
  authorizationFailed: err('[AUTH] authorization failed'),
  /** Not AUTH: the password may be right, and nobody has looked at it. */
  tooManyLogins: err('[SYS/TEMP] too many wrong passwords, please try again later'),
  tlsFirst: err('STLS first'),
  tlsAlready: err('TLS is on already'),
  noTls: err('TLS is not available'),
  mechanism: err('no such mechanism'),
  cancelled: err('cancelled'),
  childCrashed: err('aack, child crashed'),
  unableToFork: err('unable to fork'),
  /** RFC 3206: the client should keep the password and come again. */
  temporary: err('[SYS/TEMP] temporary problem, please try again later'),
  // After login: qmail-pop3d.
  noMaildir: err('this user has no $HOME/Maildir'),
  unableToScan: err('unable to scan $HOME/Maildir'),
  countedFromOne: err('messages are counted from 1'),
  notThatMany: err('not that many messages'),
  alreadyDeleted: err('already deleted'),
  unableToOpen: err('unable to open that message'),
  notAllUnlinked: err('unable to unlink all deleted messages'),
} as const;

/** The answer to CAPA: RFC 2449 section 5. */
export function capabilityList(capabilities: readonly string[]): string {
  return `${ok('capability list follows')}${capabilities.map((line) => `${line}\r\n`).join('')}${END_OF_LIST}`;
}

/**
 * What holds before and after login. PIPELINING: whatever stands behind PASS in the same packet is
 * answered by the next process in the chain. EXPIRE NEVER: nothing is removed but by DELE and QUIT. UTF8: headers in
 * UTF-8 are sent as they are stored; so they are to clients that did not ask for it, as by qmail.
 */
export const CAPABILITIES = [
  'TOP',
  'UIDL',
  'RESP-CODES',
  'AUTH-RESP-CODE',
  'PIPELINING',
  'EXPIRE NEVER',
  'UTF8',
  'IMPLEMENTATION qmail-ts',
] as const;
