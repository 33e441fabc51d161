// What qmail-popup and imaplogin need behind them: a checker, and the home of the only user with an empty Maildir.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDirectory } from './instance.ts';
import { MaildirBox } from './maildir-box.ts';
import { isRoot } from './run.ts';

/** qmail-pop3d and imapd refuse root, so the chain runs as somebody else when the tests do not. */
export const CHAIN_UID = isRoot ? 52_525 : (process.getuid?.() as number);
/** For whoever starts a program of the chain. */
export const AS_CHAIN_USER = isRoot ? { uid: CHAIN_UID, gid: CHAIN_UID } : {};

/** A checker that knows one password, also as APOP digest, and is in trouble at another. */
const CHECKER = `#!/usr/bin/env python3
import hashlib, os, sys
data = b''
while True:
    part = os.read(3, 600)
    if not part: break
    data += part
user, password, stamp = data.split(b'\\0')[:3]
os.close(3)
if password == b'trouble': sys.exit(111)
if password not in (b'secret', hashlib.md5(stamp + b'secret').hexdigest().encode()): sys.exit(1)
os.execvp(sys.argv[1], sys.argv[1:])
`;

export interface LoginChain {
  readonly dir: string;
  /** The checker's path. It needs python3. */
  readonly checker: string;
  /** Where the programs are started. */
  readonly home: string;
  readonly maildir: string;
}

/** Makes all that in a fresh directory, which the caller removes. */
export function makeLoginChain(prefix: string): LoginChain {
  const dir = openDirectory(prefix);
  const checker = join(dir, 'checker');
  writeFileSync(checker, CHECKER);
  chmodSync(checker, 0o755);
  const home = join(dir, 'home');
  mkdirSync(home);
  const maildir = join(home, 'Maildir');
  new MaildirBox(maildir, CHAIN_UID).make();
  return { dir, checker, home, maildir };
}
