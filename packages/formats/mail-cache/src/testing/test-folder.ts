// A folder of real message files, without UIDs on disk and locks: what the cache needs to know of one.

import {
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '@q/fault';
import type { FolderMessage, OpenMessage } from '@q/mailbox';

/** A directory for one test; the caller removes it. */
export function makeRoot(): string {
  return mkdtempSync(join(tmpdir(), 'mail-cache-'));
}

export function removeRoot(root: string): void {
  rmSync(root, { recursive: true, force: true });
}

type TestMessage = FolderMessage & { gone: boolean };

export class TestFolder {
  readonly mailboxId: string;
  readonly messages: TestMessage[] = [];
  readonly #dir: string;
  /** Files opened so far. */
  opened = 0;

  constructor(root: string, mailboxId: string) {
    this.mailboxId = mailboxId;
    this.#dir = join(root, 'cur');
    mkdirSync(this.#dir, { recursive: true });
  }

  add(content: string | Buffer, base?: string): TestMessage {
    const uid = (this.messages.at(-1)?.uid ?? 0) + 1;
    return this.addAs(uid, base ?? `1700000000.M${uid}P1.host`, content);
  }

  addAs(uid: number, base: string, content: string | Buffer): TestMessage {
    const message: TestMessage = { uid, base, flags: 0, keywords: [], modseq: 1, gone: false };
    writeFileSync(this.#path(message), content, typeof content === 'string' ? 'latin1' : undefined);
    utimesSync(this.#path(message), 1_700_000_000, 1_700_000_000);
    this.messages.push(message);
    return message;
  }

  expunge(message: TestMessage): void {
    unlinkSync(this.#path(message));
    message.gone = true;
    this.messages.splice(this.messages.indexOf(message), 1);
  }

  async open(message: FolderMessage): Promise<OpenMessage | undefined> {
    this.opened++;
    try {
      const fd = openSync(this.#path(message), 'r');
      const { size, mtimeMs } = fstatSync(fd);
      return { fd, size, time: mtimeMs };
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #path({ base }: FolderMessage): string {
    return join(this.#dir, `${base}:2,`);
  }
}
