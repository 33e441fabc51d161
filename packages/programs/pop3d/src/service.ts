// qmail-pop3d as a resident service: what is POP3 about it. The rest is @q/service.

import { randomBytes } from 'node:crypto';
import { type Authorizing, authorizationTable, ERR, ok, serveCommands, tlsRequired } from '@q/pop3';
import type { SaslLogin } from '@q/sasl';
import type { LoginDialogue, LoginTerms, MailService, Refusal } from '@q/service';
import type { Conn, Peer } from '@q/session';
import { IDLE_SECONDS, LINGER_SECONDS } from './limits.ts';
import { newTally, serveMailbox } from './session.ts';

export const popService: MailService = {
  name: 'qmail-pop3d',
  busy: '-ERR [SYS/TEMP] too many connections, please try again later',
  idleSeconds: IDLE_SECONDS,
  lingerSeconds: LINGER_SECONDS,
  greet,
  serve: async (conn, { maildir }, counts) => {
    const tally = newTally();
    try {
      await serveMailbox(conn, maildir, tally);
    } finally {
      Object.assign(counts, tally);
    }
  },
};

interface State extends Authorizing {
  /** After PASS, APOP or AUTH. */
  login?: SaslLogin;
}

const TABLE = authorizationTable<State>((state, login) => {
  state.login = login;
  return 'stop';
});

/**
 * The AUTHORIZATION state: RFC 1939 section 4. The greeting has an APOP stamp only where that was asked for:
 * passwords are stored hashed, so for most users APOP could never work, and clients (curl) try it first
 * wherever they see a stamp.
 */
function greet(conn: Conn, peer: Peer, terms: LoginTerms): LoginDialogue {
  const { secure, requireTls, digests, external } = terms;
  const stamp = digests ? newStamp(peer) : undefined;
  const known = {
    conn,
    stamp,
    cramMd5: digests,
    external,
    tls: secure && (() => secure),
    needsTls: tlsRequired(peer, requireTls),
  };
  conn.write(ok(stamp === undefined ? 'POP3 server ready' : `POP3 server ready ${stamp}`));
  return {
    next: async () => {
      const state: State = { ...known };
      await serveCommands(conn, TABLE, state);
      return state.login;
    },
    refuse: (why) => conn.write(REFUSALS[why]),
  };
}

const REFUSALS: Readonly<Record<Refusal, string>> = {
  failed: ERR.authorizationFailed,
  temporary: ERR.temporary,
  'too many': ERR.tooManyLogins,
};

/** RFC 1939 section 7, RFC 2195 section 2: never the same twice, and not to be guessed. */
function newStamp({ localIp }: Peer): string {
  return `<${randomBytes(12).toString('hex')}.${Math.floor(Date.now() / 1000)}@${localIp ?? 'pop3'}>`;
}
