// imapd as a resident service: what is IMAP about it. The rest is @q/service.

import { randomBytes } from 'node:crypto';
import { openLog } from '@q/log';
import { scramTerms } from '@q/sasl';
import type { LoggedClient, LoginDialogue, LoginTerms, MailService } from '@q/service';
import type { Conn, Peer } from '@q/session';
import { IDLE_SECONDS, LINGER_SECONDS } from './limits.ts';
import {
  connectionLine,
  type EndWord,
  endLine,
  endWord,
  failedLine,
  loginLine,
  type Traffic,
  troubleLine,
  whenceOf,
} from './log-lines.ts';
import { ImapDialogue } from './login/dialogue.ts';
import { newStamp, tlsRequired } from './login/terms.ts';
import { endServing, serveClient } from './serve.ts';
import { VARIABLES } from './settings.ts';

const NAME = 'imapd';

/** Salts of SCRAM are made with it: it lasts as long as the process that talks to clients, and no other loads node:crypto for it. */
let saltKey: Buffer | undefined;

/** How a session ended, as a number among its counts. */
const ENDS: readonly EndWord[] = ['LOGOUT', 'DISCONNECTED', 'TIMEOUT'];

export const imapService: MailService = {
  name: NAME,
  busy: '* BYE [UNAVAILABLE] Too many connections, please try again later',
  idleSeconds: IDLE_SECONDS,
  lingerSeconds: LINGER_SECONDS,
  // Here the account's options are those of all accounts.
  variables: [...VARIABLES, 'OPTIONS'],
  greet,
  serve: async (conn, { maildir, tag, secure, env }, counts) => {
    const traffic = { headers: 0, body: 0, rcvd: 0, sent: 0 };
    let end: EndWord = 'DISCONNECTED';
    try {
      const terms = { ...env, IMAP_TLS: secure ? '1' : '0' };
      const who = { user: env.AUTHENTICATED ?? '', maildir, tag, env: terms };
      end = endWord(await serveClient(conn, who, openLog(NAME), traffic));
    } finally {
      Object.assign(counts, traffic, { end: ENDS.indexOf(end) });
    }
  },
  end: endServing,
  lines: {
    connected: (peer) => connectionLine(whenceOf(peer)),
    login: ({ user, peer, secure, external }) =>
      loginLine(user, whenceOf(peer), secure, external ? 'EXTERNAL' : undefined),
    failed: ({ user, peer }) => failedLine(user, whenceOf(peer)),
    trouble: ({ user, peer }, why) => troubleLine(user, whenceOf(peer), why),
    logout: ({ user, peer }: LoggedClient, counts, seconds) =>
      endLine(
        ENDS[counts?.end ?? 1] ?? 'DISCONNECTED',
        user,
        whenceOf(peer),
        counts as Traffic | undefined,
        seconds,
      ),
  },
};

function greet(conn: Conn, peer: Peer, terms: LoginTerms): LoginDialogue {
  const { secure, requireTls, digests, external } = terms;
  const dialogue = new ImapDialogue(conn, {
    tls: secure && (() => secure),
    needsTls: tlsRequired(peer, requireTls),
    wrapped: false,
    mechanisms: digests ? ['SCRAM-SHA-256', 'CRAM-MD5'] : [],
    external,
    newStamp: () => newStamp(peer),
    scram: () => {
      saltKey ??= randomBytes(32);
      return scramTerms(saltKey);
    },
  });
  dialogue.greet();
  return dialogue;
}
