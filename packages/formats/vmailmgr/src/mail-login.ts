// The way from a name and a password to a mailbox, as checkvpw(8) goes it: in two halves, with the change of user
// between them, and VMailMgr's hooks at their places. checkvpw goes it in one process; a resident mail service
// has the first half in its parent and the second in the user's worker.
//
//   step     uid    does                                                         hooks
//   begin    root   login name -> base user and virtual name; a system user's    checkvpw-presetuid (global)
//                   password, by the shadow hash
//   enter    user   from here on the domain's own settings and hooks count too
//   finish   user   a virtual user's password, by the table; the maildir         checkvpw-postsetuid
//   end      user   after the mail program or session                            checkvpw-postexec
//   fail     either whatever went wrong                                          checkvpw-loginfail, checkvpw-error
//
// beginTrusted and finishTrusted go the same way without a password, for a name that a certificate has vouched for.

import { statSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { errnoOf, type Fault, faultOf, isTemporaryErrno, Temporary } from '@q/fault';
import { argText } from '@q/proc';
import {
  admitSystem,
  admitVirtual,
  authenticateSystem,
  openUserTable,
  type Proved,
  proveVirtual,
} from './authenticate.ts';
import { shellOf } from './become.ts';
import { virtualEnvironment } from './environment.ts';
import { type HookPlace, runHooks } from './hooks.ts';
import { EXIT_LOGIN_REFUSED, type Login, refused, resolveLogin } from './login.ts';
import { verifyPasswordAsync } from './password.ts';
import type { VirtualUser } from './record.ts';
import { renewHash } from './renew-hash.ts';
import { openSettings, type Settings } from './settings.ts';

/** What a client said; latin1. */
export interface LoginCredentials {
  readonly user: string;
  /** The password, or the digest of APOP or CRAM-MD5, or SCRAM's proof. */
  readonly password: string;
  /** What the client was shown to make a digest of, or what SCRAM's proof was made over; '' or left out where it was neither. */
  readonly stamp?: string;
}

/** One login under way. */
export class LoginAttempt {
  /** What hooks and the mail program see: filled as the login goes on. */
  readonly env: NodeJS.ProcessEnv;
  readonly #place: Omit<HookPlace, 'env'>;
  #settings: Settings;
  #proof: string | undefined;

  /** `env` is what hooks start from; a trace of another login in it is left out. */
  constructor(env: Readonly<NodeJS.ProcessEnv>, place: Omit<HookPlace, 'env'> = {}) {
    this.env = withoutVirtual(env);
    this.#place = place;
    this.#settings = openSettings({ env });
  }

  /** The global ones before enter(), then those of the domain. */
  get settings(): Settings {
    return this.#settings;
  }

  /** After finish(): what SCRAM's client waits for, in base64; undefined for other logins. */
  get proof(): string | undefined {
    return this.#proof;
  }

  /** The half that needs root. Throws `refused`, or Temporary, as every step does. TCPLOCALHOST of env counts. */
  async begin({ user, password }: LoginCredentials): Promise<Login> {
    const secret = bytesOf(password);
    const login = await this.#resolve(user, secret);
    if (login.virtualName === '') await authenticateSystem(login.base.user, secret);
    return this.#begun(login);
  }

  /** The same for a name that somebody else has vouched for. */
  async beginTrusted(user: string): Promise<Login> {
    const { settings } = this;
    const login = resolveLogin(user, { settings, localHost: this.env.TCPLOCALHOST });
    if (login.virtualName === '') admitSystem(login.base.user);
    return this.#begun(login);
  }

  /** The process has become the base user, whose home this is. */
  enter(home: string): void {
    this.#settings = openSettings({ home, env: this.env });
  }

  /**
   * The half that must not be root's, after enter(). `maildir` (a path for Node) is a system user's; a virtual
   * user's stands in its record. What is no directory is replaced by the setting error-maildir. Gives it, as
   * env.MAILDIR; undefined when there is none to choose from.
   */
  async finish(
    home: string,
    virtualName: string,
    credentials: LoginCredentials,
    maildir: string | undefined,
  ): Promise<string | undefined> {
    if (virtualName === '') return this.#finished('', undefined, maildir);
    const { user, proof } = await this.#prove(home, virtualName, credentials);
    this.#proof = proof;
    return this.#finished(virtualName, user, undefined);
  }

  /** The same for a name that somebody else has vouched for, after beginTrusted(). */
  async finishTrusted(
    home: string,
    virtualName: string,
    maildir: string | undefined,
  ): Promise<string | undefined> {
    if (virtualName === '') return this.#finished('', undefined, maildir);
    return this.#finished(virtualName, this.#admit(home, virtualName), undefined);
  }

  /** True when somebody wants to be told of the end. */
  get wantsEnd(): boolean {
    return this.#settings.hooks('checkvpw-postexec').length > 0;
  }

  /** What the hooks make of it changes nothing. */
  async end(): Promise<void> {
    await runHooks(this.#settings.hooks('checkvpw-postexec'), this.#withEnv(this.env));
  }

  /** Tells the hooks, which may log or ban, and gives the fault. */
  async fail(error: unknown): Promise<Fault> {
    const fault = faultOf(error, 'internal error');
    const name = fault.exitCode === EXIT_LOGIN_REFUSED ? 'checkvpw-loginfail' : 'checkvpw-error';
    const env = { ...this.env, CHECKVPW_ERROR: fault.message };
    await runHooks(this.#settings.hooks(name), this.#withEnv(env));
    return fault;
  }

  async #begun(login: Login): Promise<Login> {
    const { base, virtualName } = login;
    Object.assign(this.env, {
      USER: base.user,
      HOME: base.home,
      SHELL: shellOf(base),
      VUSER: asArgument(virtualName),
    });
    await this.#hook('checkvpw-presetuid');
    return login;
  }

  async #finished(
    virtualName: string,
    record: VirtualUser | undefined,
    maildir: string | undefined,
  ): Promise<string | undefined> {
    if (record !== undefined) Object.assign(this.env, virtualEnvironment(virtualName, record));
    const wanted = record === undefined ? maildir : argText(record.directory);
    if (wanted !== undefined) this.env.MAILDIR = usableMaildir(wanted, this.#settings);
    await this.#hook('checkvpw-postsetuid');
    return this.env.MAILDIR;
  }

  /** Finding out that there is no such account takes as long as finding out that a password is wrong. */
  async #resolve(user: string, secret: Buffer): Promise<Login> {
    try {
      return resolveLogin(user, { settings: this.#settings, localHost: this.env.TCPLOCALHOST });
    } catch (error) {
      if (faultOf(error, 'login').exitCode === EXIT_LOGIN_REFUSED)
        await verifyPasswordAsync(secret, undefined);
      throw error;
    }
  }

  async #prove(
    home: string,
    name: string,
    { password, stamp = '' }: LoginCredentials,
  ): Promise<Proved> {
    const secret = bytesOf(password);
    const table = openUserTable(home, this.#settings);
    try {
      const proved = await proveVirtual(table, name, { password: secret, stamp });
      if (proved.shown) await renewHash(home, this.#settings, name, proved.user, secret);
      return proved;
    } finally {
      table.close();
    }
  }

  #admit(home: string, name: string): VirtualUser {
    const table = openUserTable(home, this.#settings);
    try {
      return admitVirtual(table, name);
    } finally {
      table.close();
    }
  }

  async #hook(name: string): Promise<void> {
    const status = await runHooks(this.#settings.hooks(name), this.#withEnv(this.env));
    if (status !== 0) throw new Temporary(`Execution of ${name} failed`);
  }

  #withEnv(env: NodeJS.ProcessEnv): HookPlace {
    return { ...this.#place, env };
  }
}

function withoutVirtual(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const names = Object.keys(env).filter((name) => name !== 'MAILDIR' && !/^VUSER(_|$)/.test(name));
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

/** A name that no environment can hold is no name we know. */
function asArgument(name: string): string {
  try {
    return argText(name);
  } catch {
    throw refused('Invalid or unknown virtual user');
  }
}

/** `directory` (a path for Node), or the error-maildir setting where that is none. Throws Temporary on I/O trouble. */
export function usableMaildir(directory: string, settings: Settings): string {
  return isDirectory(directory) ? directory : argText(settings.directory('error-maildir'));
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (isTemporaryErrno(errnoOf(error) ?? ''))
      throw new Temporary(faultOf(error, `unable to stat ${path}`).message, { cause: error });
    return false;
  }
}
