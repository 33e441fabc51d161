// A delivery agent of nobody's, as many programs are: tmp, fsync, rename to new. It says the id of each message that is there.

import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../lib/imap/model-session.ts';
import { MAILDIR } from './machine.ts';

/** Until standard input ends. */
export async function deliverForEver(who: string): Promise<void> {
  let over = false;
  process.stdin.on('end', () => {
    over = true;
  });
  process.stdin.resume();
  for (let number = 1; !over; number++) {
    const id = `${who}.${number}`;
    const name = `${Math.floor(Date.now() / 1000)}.P${process.pid}Q${number}.${hostname()}`;
    const fd = openSync(`${MAILDIR}/tmp/${name}`, 'wx', 0o600);
    writeSync(fd, messageOf(id).replaceAll('\r\n', '\n'));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(`${MAILDIR}/tmp/${name}`, `${MAILDIR}/new/${name}`);
    console.log(id);
    await sleep(500);
  }
}
