// The usual lines of the log. Everything a stranger typed stands behind the address, so that fail2ban can trust them.

import { escapeForLog, quoteForLog } from '@q/log';
import type { Counts, LoggedClient, LogLines } from './mail-service.ts';

export const usualLines: LogLines = {
  login: (client) =>
    `login ${describe(client)}${client.secure ? ' tls' : ''}${client.external ? ' external' : ''}`,
  failed: ({ peer, user }) =>
    `LOGIN FAILED, ip=[${escapeForLog(peer.remoteIp)}], user="${quoteForLog(user)}"`,
  trouble: (client, why) =>
    `login ${why === 'too many' ? 'refused' : 'trouble'} ${describe(client)}`,
  logout: (client, counts) =>
    `logout ${describe(client)}${counts === undefined ? ' unfinished' : wordsOf(counts)}`,
};

function describe({ peer, user }: LoggedClient): string {
  return `ip=${escapeForLog(peer.remoteIp)} user="${quoteForLog(user)}"`;
}

function wordsOf(counts: Counts): string {
  return Object.entries(counts)
    .map(([name, count]) => ` ${name}=${count}`)
    .join('');
}
