// What a mail service with logins consists of, POP3 or IMAP: one object, of which each kind of process uses its
// own part. Everything else, from the listening socket to the change of user, is the same for all.

import type { SaslLogin } from '@q/sasl';
import type { Conn, Peer, Secure } from '@q/session';

export interface MailService {
  /** The program's name, for the log. */
  readonly name: string;
  /** What a connection over a limit is told, without the line end. */
  readonly busy: string;
  /** Seconds without a byte from a client that has logged in. */
  readonly idleSeconds: number;
  /** Seconds to read on after our last word, so that no reset takes it away. */
  readonly lingerSeconds: number;
  /** Login process, no rights: greets a client that has just connected. */
  greet(conn: Conn, peer: Peer, terms: LoginTerms): LoginDialogue;
  /**
   * Worker, the user whose mail it is, in its home: the session after login, its first words included, until the
   * client is gone. What it did is added to `counts`, for the log. Throws what the connection throws.
   */
  serve(conn: Conn, mailbox: Mailbox, counts: Counts): Promise<void>;
}

/** How a service takes logins. */
export interface LoginTerms {
  /** For STLS or STARTTLS; undefined where there is no certificate. */
  readonly secure: Secure | undefined;
  /** No password in clear, but from loopback. */
  readonly requireTls: boolean;
  /** APOP and CRAM-MD5 are offered. */
  readonly digests: boolean;
}

/** The talk with one client before login. */
export interface LoginDialogue {
  /** Speaks until the client wants to log in; undefined when there is no more to say. Asked again after refuse(). */
  next(): Promise<LoginRequest | undefined>;
  refuse(why: Refusal): void;
}

/** failed: wrong name or password; temporary: nobody could tell; too many: not even looked at, and hung up on. */
export type Refusal = 'failed' | 'temporary' | 'too many';

export interface LoginRequest extends SaslLogin {
  /** What the session must know of the command to answer it: IMAP's tag. */
  readonly tag?: string;
}

export interface Mailbox {
  /** Relative to the home, or absolute; a path for Node. */
  readonly maildir: string;
  readonly tag: string | undefined;
}

/** Words and numbers of a session for its line in the log: retrieved=2 deleted=2. */
export type Counts = Record<string, number>;
