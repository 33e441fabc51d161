// A POP3 client that takes a message away now and then.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import { ADDRESS, type Machine, PASSWORD } from './machine.ts';

export async function removeByPop3(
  machine: Machine,
  ledger: Ledger,
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    const socket = machine.pop3();
    try {
      await removeOne(socket, ledger);
    } catch (error) {
      ledger.problem(`pop3: ${(error as Error).message}`);
    } finally {
      socket.destroy();
    }
    await sleep(3000);
  }
}

async function removeOne(socket: Socket, ledger: Ledger): Promise<void> {
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const say = async (line: string, end = '\r\n') => {
    heard = '';
    if (line !== '') socket.write(`${line}\r\n`);
    while (!heard.endsWith(end) && !heard.startsWith('-ERR'))
      await once(socket, 'data', { signal: AbortSignal.timeout(60_000) });
    return heard;
  };
  while (heard === '') await once(socket, 'data', { signal: AbortSignal.timeout(60_000) });
  for (const line of [`USER ${ADDRESS}`, `PASS ${PASSWORD}`]) {
    const answer = await say(line);
    if (answer.startsWith('-ERR [SYS/TEMP]')) return;
    if (!answer.startsWith('+OK')) throw new Error(answer);
  }
  const count = Number((await say('STAT')).split(' ')[1]);
  if (count > 0) {
    const number = 1 + Math.floor(count / 2);
    const text = await say(`RETR ${number}`, '\r\n.\r\n');
    const id = /^X-ID: (\S+)\r$/m.exec(text)?.[1];
    // Another session may have taken it away since.
    if (id !== undefined) {
      ledger.doom(id);
      ledger.count('pop3 deletions');
      await say(`DELE ${number}`);
    }
  }
  await say('QUIT');
}
