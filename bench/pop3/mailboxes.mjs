// The mail in a user's Maildir.
import {
  chownSync,
  closeSync,
  fchownSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const FIRST_SECOND = 1_790_000_000;

/** Fills cur/: messages that clients have seen before, as most have that are left on a server. */
export function fill({ home, maildir, uid, gid, mail }) {
  const dir = join(home, maildir);
  for (const part of ['', 'new', 'tmp', 'cur']) {
    mkdirSync(join(dir, part), { recursive: true });
    chownSync(join(dir, part), uid, gid);
  }
  const cur = join(dir, 'cur');
  if (mail.linkOf !== undefined) {
    linkAll(join(dir, '..', mail.linkOf, 'cur'), cur);
    return;
  }
  const message = messageOf(mail.bytes);
  for (let number = 0; number < mail.count; number++) {
    const name = `${FIRST_SECOND + number}.M${100_000 + number}P4711.host,S=${message.length}:2,S`;
    const fd = openSync(join(cur, name), 'wx', 0o600);
    writeSync(fd, message);
    fchownSync(fd, uid, gid);
    closeSync(fd);
  }
}

/** The files of `from` without their sizes in the names. */
function linkAll(from, to) {
  for (const name of readdirSync(from))
    linkSync(join(from, name), join(to, name.replace(/,S=\d+/, '')));
}

/** A message as it is stored: lines end in LF. */
function messageOf(bytes) {
  const head =
    'Return-Path: <sender@client.test>\nDelivered-To: box@bench.test\n' +
    'From: sender@client.test\nTo: box@bench.test\nSubject: bench\n' +
    'Date: Sun, 1 Nov 2026 12:00:00 +0000\nMessage-ID: <20261101120000.1@client.test>\n\n';
  const line = `${'x'.repeat(77)}\n`;
  const body = line.repeat(Math.ceil((bytes - head.length) / line.length));
  return Buffer.from((head + body).slice(0, bytes - 1).concat('\n'), 'latin1');
}
