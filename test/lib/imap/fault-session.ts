// An imapd of its own on a Maildir, as the tests of faults run one, and what a client finds there that asks for everything.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DIST } from '../instance.ts';
import { type Contents, MAILBOXES } from './fault-commands.ts';
import { type Answer, itemsOf, type Value, WireClient } from './wire.ts';

/** So long no answer and no end of a process takes that will come at all. */
const PATIENCE_MS = 120_000;

export interface FaultSession {
  run(command: string): Promise<Answer>;
  /** As run(), and throws unless the answer is OK. */
  must(command: string): Promise<Answer>;
  append(mailbox: string, ...ids: readonly string[]): Promise<Answer>;
  /** A command of the table. Undefined when the server ended instead of answering. Throws when it does neither. */
  perform(command: string): Promise<Answer | undefined>;
  /** No more input: it ends by itself. Throws when it does not. */
  finish(): Promise<void>;
  /** kill -9, if it has not ended. */
  end(): Promise<void>;
}

export async function openSession(
  home: string,
  uid: number,
  env: NodeJS.ProcessEnv = {},
): Promise<FaultSession> {
  const child = spawn(join(DIST, 'imapd'), ['Maildir'], {
    cwd: home,
    env: { PATH: process.env.PATH, ...env },
    uid,
    gid: uid,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const over = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const client = new WireClient(child.stdout, child.stdin);
  await client.greeting();
  const run = (command: string) => client.run(command);
  const literals = (command: string, flags: string, ids: readonly string[]) =>
    client.literals(
      command,
      ids.map((id) => [`(${flags})`, `X-ID: ${id}\r\n\r\n${id}\r\n`]),
    );
  const begin = (command: string) => {
    const [, verb = '', flags = '', ids] =
      /^((?:APPEND|REPLACE \d+) \S+) \((.*)\) (.*)$/.exec(command) ?? [];
    return ids === undefined ? run(command) : literals(verb, flags, ids.split(' '));
  };
  return {
    run,
    must: async (command) => {
      const answer = await run(command);
      if (answer.status !== 'OK') throw new Error(`${command}: ${answer.status} ${answer.text}`);
      return answer;
    },
    append: (mailbox, ...ids) => literals(`APPEND ${mailbox}`, '', ids),
    perform: (command) =>
      inTime(
        begin(command).catch(() => undefined),
        'it neither answers nor ends',
      ),
    finish: async () => {
      child.stdin.end();
      await inTime(over, 'it does not end');
    },
    end: async () => {
      child.stdin.destroy();
      child.kill('SIGKILL');
      await over;
    },
  };
}

async function inTime<Result>(result: Promise<Result>, otherwise: string): Promise<Result> {
  const late = new AbortController();
  const tooLate = sleep(PATIENCE_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(otherwise);
  });
  tooLate.catch(() => {});
  try {
    return await Promise.race([result, tooLate]);
  } finally {
    late.abort();
  }
}

/** All that a client can know of a Maildir. */
export interface Seen {
  readonly contents: Contents;
  /** "mailbox uidvalidity uid" → id */
  readonly uids: ReadonlyMap<string, string>;
  /** "mailbox id" → flags, keywords among them, but for \Recent. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

export async function look(session: FaultSession): Promise<Seen> {
  const contents: Record<string, string[]> = {};
  const uids = new Map<string, string>();
  const flags = new Map<string, readonly string[]>();
  for (const mailbox of MAILBOXES) {
    const selected = await session.run(`EXAMINE ${mailbox}`);
    if (selected.status !== 'OK') continue;
    const said = selected.untagged.map(({ text }) => text).join();
    const validity = /UIDVALIDITY (\d+)/.exec(said)?.[1];
    const ids: string[] = [];
    const { untagged } = await session.must(
      'UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (X-ID)])',
    );
    for (const { values } of untagged) {
      if (values[1] !== 'FETCH') continue;
      const items = itemsOf(values[2]);
      const id = /x-id: (\S+)/i.exec(String(items.get('BODY[HEADER.FIELDS (X-ID)]')))?.[1] ?? '?';
      ids.push(id);
      uids.set(`${mailbox} ${validity} ${items.get('UID')}`, id);
      flags.set(`${mailbox} ${id}`, words(items.get('FLAGS')));
    }
    contents[mailbox] = ids;
  }
  return { contents, uids, flags };
}

function words(list: Value): readonly string[] {
  return Array.isArray(list) ? list.map(String).filter((flag) => flag !== '\\Recent') : [];
}
