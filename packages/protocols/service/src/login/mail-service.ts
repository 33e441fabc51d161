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
  /** Worker: no session is left, and the process ends. */
  end?(): Promise<void>;
  /** Variables of the service's environment that its children have too: settings. */
  readonly variables?: readonly string[];
  /** What the log says of clients, where that is not the usual. */
  readonly lines?: LogLines;
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
  /** Offer what needs a password that is stored in clear: APOP, CRAM-MD5, SCRAM-SHA-256. */
  readonly digests: boolean;
  /** Take logins by certificate (EXTERNAL), of clients that have shown one: Conn.certificates. */
  readonly external: boolean;
}

/** The talk with one client before login. */
export interface LoginDialogue {
  /** Speaks until the client wants to log in; undefined when there is no more to say. Asked again after refuse(). */
  next(): Promise<LoginRequest | undefined>;
  /** Answers the login that next() gave. `last`: there will be no other on this connection. */
  refuse(why: Refusal, last: boolean): void;
  /**
   * A login with `mutual` is right: shows the client the server's own proof, in base64; undefined when nobody made one.
   * True when it is content. Else it was told why not, if it is still there. `last` as in refuse().
   */
  confirm?(proof: string | undefined, last: boolean): Promise<boolean>;
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
  /** The client speaks TLS, though this connection does not. */
  readonly secure: boolean;
  /**
   * What checkvpw gives to the program it runs, AUTHENTICATED (the user as NAME@DOMAIN in lower case, or NAME for a system user),
   * and the service's variables.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A client, as the log speaks of it. */
export interface LoggedClient {
  readonly peer: Peer;
  /** As it was typed; latin1. */
  readonly user: string;
  readonly secure: boolean;
  /** By certificate. */
  readonly external: boolean;
}

/** Lines of the log, without the program's name. What a stranger typed is to be escaped in them. */
export interface LogLines {
  /** A connection that has just begun; nothing where the listener's own line is enough. */
  connected?(peer: Peer): string;
  login(client: LoggedClient): string;
  /** A wrong name or password. */
  failed(client: LoggedClient): string;
  /** A login that could not be judged, or was not looked at. */
  trouble(client: LoggedClient, why: 'temporary' | 'too many'): string;
  /** `counts`: undefined when nobody knows; `seconds`: since the login. */
  logout(client: LoggedClient, counts: Counts | undefined, seconds: number): string;
}

/** Words and numbers of a session for its line in the log: retrieved=2 deleted=2. */
export type Counts = Record<string, number>;
