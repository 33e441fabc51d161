// The talk with a client before login (RFC 9051, sections 3.1 and 6.2): what it may say, until it wants to log in. What becomes
// of a name and a password is the caller's business.

import {
  BEFORE_LOGIN,
  type Command,
  type CommandPiece,
  CommandReader,
  capabilities,
  parseCommand,
  type ReaderEvent,
  refusalReply,
} from '@q/imap';
import type { Mechanism, SaslLogin, ScramTerms } from '@q/sasl';
import { type Conn, type Secure, Timeout } from '@q/session';
import { BAD_COMMANDS_MAX, CREDENTIAL_MAX } from '../limits.ts';
import { replyLine } from '../reply.ts';
import type { Reply } from '../session.ts';
import { authenticate, confirm } from './authenticate.ts';

/** How logins are taken. */
export interface DialogueTerms {
  /** What STARTTLS is done with; undefined where there is no certificate. Throws when it cannot be used. */
  readonly tls: (() => Secure) | undefined;
  /** No password in clear over a connection that is not encrypted. */
  readonly needsTls: boolean;
  /** Somebody before us has encrypted the connection. */
  readonly wrapped: boolean;
  /** Besides PLAIN and LOGIN. */
  readonly mechanisms: readonly Mechanism[];
  /** Logins by certificate are taken, of clients that have shown one. */
  readonly external?: boolean;
  /** What CRAM-MD5's digests are made with. */
  newStamp(): string;
  /** What SCRAM is done with, where it is one of `mechanisms`. */
  scram?(): ScramTerms;
}

/** A login that is to be judged. */
export interface SubmittedLogin extends SaslLogin {
  readonly tag: string;
}

type Refusal = 'failed' | 'temporary' | 'too many';

/** What a handler says: go on; that was no command; the end; or a login. */
type Step = 'next' | 'bad' | 'stop' | SubmittedLogin;

/** One client's dialogue. */
export class ImapDialogue {
  readonly conn: Conn;
  readonly terms: DialogueTerms;
  reader = new CommandReader(BEFORE_LOGIN);
  #tag: string | undefined;
  /** The login that next() gave was by certificate. */
  #external = false;
  #bad = 0;

  constructor(conn: Conn, terms: DialogueTerms) {
    this.conn = conn;
    this.terms = terms;
  }

  /** Says who we are and what can be done. */
  greet(): void {
    this.conn.write(`* OK [${this.capabilityText()}] IMAP4 server ready\r\n`);
  }

  /**
   * The next login that the client submits; what it has sent behind it is put back into the connection. Undefined when there
   * is no more to say: it has been told good-bye.
   */
  async next(): Promise<SubmittedLogin | undefined> {
    return this.#untilTimeout(async () => {
      for (;;) {
        const event = await this.event();
        const step = event === undefined ? 'stop' : await this.#take(event);
        if (typeof step === 'object') {
          this.conn.unread(this.reader.takeRest());
          this.#tag = step.tag;
          this.#external = step.external === true;
          return step;
        }
        if (step === 'stop') return undefined;
        this.#bad = step === 'bad' ? this.#bad + 1 : 0;
        if (this.#bad < BAD_COMMANDS_MAX) continue;
        this.conn.write('* BYE Too many bad commands\r\n');
        return undefined;
      }
    });
  }

  /** Shows the client the server's proof, for a login with `mutual` that is right; true when it is content. */
  async confirm(proof: string | undefined, last: boolean): Promise<boolean> {
    const tag = this.#tag;
    if (tag === undefined || proof === undefined) {
      // Right as a password and not as a proof: not what the client said it was.
      this.refuse('failed', last);
      return false;
    }
    const outcome = await this.#untilTimeout(() => confirm(this, proof, tag));
    this.conn.unread(this.reader.takeRest());
    if (typeof outcome === 'object') this.#deny(tag, outcome, last);
    return outcome === true;
  }

  /** Answers the login that next() gave, or the one of `tag`. `last`: no more are taken. */
  refuse(why: Refusal, last: boolean, tag = this.#tag): void {
    const certified = this.#external && why === 'failed';
    this.#deny(tag, certified ? OTHERS_CERTIFICATE : REFUSALS[why], last);
  }

  /** The next event that is no mere continuation; undefined at the end of input. */
  async event(): Promise<ReaderEvent | undefined> {
    for (;;) {
      const event = this.reader.next();
      if (event?.kind === 'continue') this.conn.write('+ OK\r\n');
      else if (event !== undefined) return event;
      else {
        const chunk = await this.conn.read(true);
        if (chunk === undefined) return undefined;
        this.reader.push(chunk);
      }
    }
  }

  get secure(): boolean {
    return this.conn.secure || this.terms.wrapped;
  }

  /** The client may show a password. */
  get open(): boolean {
    return this.secure || !this.terms.needsTls;
  }

  get mechanisms(): readonly Mechanism[] {
    // A digest does not show the password, but RFC 9051's LOGINDISABLED speaks of all of them.
    if (!this.open) return [];
    const certified = this.terms.external && this.conn.certificates.length > 0;
    return [...(certified ? EXTERNAL : []), 'PLAIN', 'LOGIN', ...this.terms.mechanisms];
  }

  capabilityText(): string {
    const context = {
      loggedIn: false,
      tls: this.secure,
      startTls: this.terms.tls !== undefined,
      tlsRequired: this.terms.needsTls,
      mechanisms: this.mechanisms,
      compress: false,
      appendLimit: undefined,
    };
    return `CAPABILITY ${capabilities(context).join(' ')}`;
  }

  #deny(tag: string | undefined, reply: Reply, last: boolean): void {
    this.conn.write(replyLine(tag, reply));
    if (last) this.conn.write('* BYE Too many failed logins\r\n');
  }

  async #untilTimeout<Result>(talk: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await talk();
    } catch (error) {
      if (!(error instanceof Timeout)) throw error;
      this.conn.write(`* BYE ${BYES[error.reason]}\r\n`);
      return undefined;
    }
  }

  say(tag: string | undefined, reply: Reply): Step {
    this.conn.write(replyLine(tag, reply));
    return reply.status === 'BAD' ? 'bad' : 'next';
  }

  async #take(event: ReaderEvent): Promise<Step> {
    if (event.kind === 'command') return this.#command(event.pieces);
    if (event.kind !== 'refused') return 'next';
    this.conn.write(refusalReply(event));
    return event.closing ? 'stop' : 'bad';
  }

  #command(pieces: readonly CommandPiece[]): Promise<Step> | Step {
    const command = parseCommand(pieces, false);
    if (command.name === undefined) {
      this.conn.write(`${command.tag ?? '*'} BAD ${command.text}\r\n`);
      return 'bad';
    }
    const row = ROWS[command.name] as Row<unknown> | undefined;
    if (row === undefined) return this.say(command.tag, { status: 'BAD', text: 'Log in first' });
    return row(this, command.arguments, command.tag);
  }
}

const EXTERNAL = ['EXTERNAL'] as const;

const BYES: Readonly<Record<Timeout['reason'], string>> = {
  idle: 'Autologout; nothing was heard for too long',
  deadline: 'Login took too long',
  stop: '[UNAVAILABLE] Server is stopping',
};

const REFUSALS: Readonly<Record<Refusal, Reply>> = {
  failed: { status: 'NO', code: 'AUTHENTICATIONFAILED', text: 'Wrong name or password' },
  temporary: { status: 'NO', code: 'UNAVAILABLE', text: 'Temporary trouble, please try again' },
  'too many': { status: 'NO', code: 'LIMIT', text: 'Too many failed logins, please try later' },
};

const OTHERS_CERTIFICATE: Reply = {
  status: 'NO',
  code: 'AUTHENTICATIONFAILED',
  text: 'Your certificate does not open this mailbox',
};

const PRIVACY: Reply = {
  status: 'NO',
  code: 'PRIVACYREQUIRED',
  text: 'Encrypt the connection first',
};

type Row<Arguments> = (
  dialogue: ImapDialogue,
  given: Arguments,
  tag: string,
) => Promise<Step> | Step;

const ROWS: { readonly [Each in Command as Each['name']]?: Row<Each['arguments']> } = {
  CAPABILITY: (dialogue, _given, tag) => {
    dialogue.conn.write(`* ${dialogue.capabilityText()}\r\n`);
    return dialogue.say(tag, { status: 'OK', text: 'That is all' });
  },
  NOOP: (dialogue, _given, tag) => dialogue.say(tag, { status: 'OK', text: 'Done' }),
  ID: (dialogue, _given, tag) => {
    dialogue.conn.write('* ID ("name" "qmail-ts")\r\n');
    return dialogue.say(tag, { status: 'OK', text: 'That is us' });
  },
  LOGOUT: (dialogue, _given, tag) => {
    dialogue.conn.write('* BYE Logging out\r\n');
    dialogue.say(tag, { status: 'OK', text: 'Bye' });
    return 'stop';
  },
  STARTTLS: startTls,
  LOGIN: (dialogue, { user, password }, tag) => {
    if (!dialogue.open) return dialogue.say(tag, PRIVACY);
    // Nobody's, so nobody is asked.
    const lengths = [user.length, password.length];
    if (lengths.some((length) => length === 0 || length > CREDENTIAL_MAX))
      return dialogue.say(tag, REFUSALS.failed);
    return { user, password, tag };
  },
  AUTHENTICATE: async (dialogue, { mechanism, initial }, tag) => {
    if (!dialogue.open) return dialogue.say(tag, PRIVACY);
    const login = await authenticate(dialogue, mechanism, initial, tag);
    if (login === undefined) return 'stop';
    return 'status' in login ? dialogue.say(tag, login) : { ...login, tag };
  },
};

/** RFC 9051, section 6.2.1: whatever was said before, in whatever packet, the client begins anew. */
async function startTls(dialogue: ImapDialogue, _given: object, tag: string): Promise<Step> {
  const { conn, terms } = dialogue;
  if (dialogue.secure) return dialogue.say(tag, { status: 'BAD', text: 'Encrypted already' });
  if (terms.tls === undefined)
    return dialogue.say(tag, { status: 'BAD', text: 'No certificate here' });
  let secure: Secure;
  try {
    secure = terms.tls();
  } catch {
    return dialogue.say(tag, REFUSALS.temporary);
  }
  dialogue.say(tag, { status: 'OK', text: 'Begin TLS' });
  // What came in clear behind the command may be somebody else's: it is gone with the old reader, and with upgrade().
  dialogue.reader = new CommandReader(BEFORE_LOGIN);
  await conn.upgrade(secure);
  return 'next';
}
