// vauthenticate: whose mailbox is this, for a program that has name and password. vauthenticate(8).
//
//   stdin = domain NUL user NUL password [NUL]        ; fewer than 512 bytes

import { readSync } from 'node:fs';
import { splitNul, textOf } from '@q/bytes';
import { errnoOf, faultOf, Permanent } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import {
  authenticateVirtual,
  become,
  EXIT_LOGIN_REFUSED,
  type Login,
  openSettings,
  openUserTable,
  refused,
  resolveLogin,
  type Settings,
  verifyPasswordAsync,
} from '@q/vmailmgr';

const INPUT_MAX = 512;
const EXIT_BAD_INPUT = 2;
const EXIT_TEMPORARY = 111;

interface Input {
  readonly domain: string;
  readonly user: string;
  readonly password: Buffer;
}

/** Exit code 0 and six lines on stdout; 1 refused, or a system user; 2 bad input; 111 temporary trouble. */
export async function vauthenticateMain({ env }: Invocation): Promise<number> {
  try {
    const { domain, user, password } = parseInput(readInput(0));
    const { base, virtualName } = await resolve(domain, user, password, openSettings({ env }));
    if (virtualName === '') throw refused('User name does not refer to a virtual user');
    become(base);
    const table = openUserTable(base.home, openSettings({ home: base.home, env }));
    try {
      const record = await authenticateVirtual(table, virtualName, password);
      const lines = [
        `UID=${base.uid}`,
        `GID=${base.gid}`,
        `USER=${mailText(base.user)}`,
        `HOME=${mailText(base.home)}`,
        `MAILDIR=${record.directory}`,
        `VUSER=${virtualName}`,
      ];
      if (lines.some((line) => /[\n\0]/.test(line)))
        throw new Permanent('a line end in the record', { exitCode: EXIT_TEMPORARY });
      process.stdout.write(Buffer.from(`${lines.join('\n')}\n`, 'latin1'));
      return 0;
    } finally {
      table.close();
    }
  } catch (error) {
    const { exitCode } = faultOf(error, 'unable to authenticate');
    const own = exitCode === EXIT_LOGIN_REFUSED || exitCode === EXIT_BAD_INPUT;
    return own ? exitCode : EXIT_TEMPORARY;
  }
}

/** A separator in the user's name would move the place where the domain begins. */
async function resolve(
  domain: string,
  user: string,
  password: Buffer,
  settings: Settings,
): Promise<Login> {
  try {
    if (domain === '') return resolveLogin(user, { settings });
    const separators = settings.string('separators');
    if ([...user].some((character) => separators.includes(character)))
      throw refused('Invalid user name');
    return resolveLogin(`${user}${separators[0] ?? '@'}${domain}`, { settings });
  } catch (error) {
    if (faultOf(error, 'unable to resolve').exitCode === EXIT_LOGIN_REFUSED)
      await verifyPasswordAsync(password, undefined);
    throw error;
  }
}

function parseInput(bytes: Buffer): Input {
  const bad = (text: string) => new Permanent(text, { exitCode: EXIT_BAD_INPUT });
  if (bytes.length >= INPUT_MAX) throw bad('too much input');
  const { records, rest } = splitNul(bytes);
  // The password's own NUL may be missing.
  const fields = records.length === 2 ? [...records, rest] : records;
  const [domain, user, password] = fields;
  if (fields.length !== 3 || domain === undefined || user === undefined || password === undefined)
    throw bad('three fields are wanted');
  return { domain: textOf(domain), user: textOf(user), password: Buffer.from(password) };
}

function readInput(fd: number): Buffer {
  const buffer = Buffer.alloc(INPUT_MAX);
  let length = 0;
  while (length < buffer.length) {
    try {
      const count = readSync(fd, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    } catch (error) {
      if (errnoOf(error) === 'EOF') break;
      throw error;
    }
  }
  return buffer.subarray(0, length);
}
