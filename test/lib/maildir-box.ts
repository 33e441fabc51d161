// One user's mail as it lies on the disk, seen and filled by a test without any server: Maildir++.

import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { isRoot } from './run.ts';

let delivered = 0;

export class MaildirBox {
  /** INBOX's directory. */
  readonly dir: string;
  readonly #uid: number;

  constructor(dir: string, uid: number) {
    this.dir = dir;
    this.#uid = uid;
  }

  /** Makes cur, new and tmp. */
  make(): void {
    for (const path of [this.dir, ...['cur', 'new', 'tmp'].map((sub) => join(this.dir, sub))]) {
      mkdirSync(path, { mode: 0o700 });
      if (isRoot) chownSync(path, this.#uid, this.#uid);
    }
  }

  /** Delivers a message to INBOX as any program does. */
  deliver(message: string | Buffer): void {
    const name = `${Math.floor(Date.now() / 1000)}.M${++delivered}P${process.pid}.host.test`;
    const path = join(this.dir, 'tmp', name);
    writeFileSync(path, message);
    if (isRoot) chownSync(path, this.#uid, this.#uid);
    renameSync(path, join(this.dir, 'new', name));
  }

  /** Gives the message with this subject other flags, as a mail program that works on the files does. */
  flag(subject: string, flags: string): void {
    const path = this.#find(subject);
    const base = basename(path).replace(/:2,.*/, '');
    renameSync(path, join(this.dir, 'cur', `${base}:2,${flags}`));
  }

  remove(subject: string): void {
    unlinkSync(this.#find(subject));
  }

  /** The Maildir++ folder, not INBOX's. */
  folder(name: string): MaildirBox {
    return new MaildirBox(join(this.dir, `.${name}`), this.#uid);
  }

  #find(subject: string): string {
    const path = filesOf(this.dir).find((file) => summary(file)?.startsWith(subject));
    if (path === undefined) throw new Error(`no message "${subject}" in ${this.dir}`);
    return path;
  }

  /** Names of the folders besides INBOX, as their directories have them. */
  folders(): string[] {
    return readdirSync(this.dir)
      .filter((name) => /^\.[^.]/.test(name) && existsSync(join(this.dir, name, 'cur')))
      .map((name) => name.slice(1))
      .sort();
  }

  /**
   * "SUBJECT FLAGS" of each message, sorted; FLAGS are the capital letters of the file's name, in the order of the
   * alphabet, and nothing when there are none. `folder` is a directory's name without the first dot; "" is INBOX.
   */
  messages(folder = ''): string[] {
    const top = folder === '' ? this.dir : join(this.dir, `.${folder}`);
    if (!existsSync(top)) return [];
    return filesOf(top)
      .flatMap((path) => summary(path) ?? [])
      .sort();
  }
}

function filesOf(top: string): string[] {
  return ['new', 'cur'].flatMap((sub) =>
    readdirSync(join(top, sub)).map((name) => join(top, sub, name)),
  );
}

function summary(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return undefined; // renamed or removed meanwhile
  }
  const subject = /^Subject: (.*)$/im.exec(text)?.[1]?.trimEnd() ?? '(none)';
  const flags = /:2,([A-Z]*)/.exec(path)?.[1] ?? '';
  return `${subject} ${flags}`.trimEnd();
}
