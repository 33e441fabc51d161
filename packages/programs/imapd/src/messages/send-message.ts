// One message to the sendmail command: what starts it, what it reads, how long it may take, and what it says when it fails.

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { faultOf } from '@q/fault';
import { escapeForLog } from '@q/log';
import { type Child, type Exit, pathOnly, spawn } from '@q/proc';
import type { Outbox } from '../session.ts';
import { REASON_MAX, SAID_MAX, SAID_WAIT, SEND_SECONDS } from './limits.ts';

export interface SendRequest {
  readonly outbox: Outbox;
  /** The envelope sender, of printable ASCII characters; '': sendmail's own idea of it. */
  readonly sender: string;
  /** A Maildir's directory; its tmp/ holds the message for a moment. */
  readonly dir: string;
  /** With LF line ends. */
  readonly content: AsyncIterable<Buffer>;
  readonly seconds?: number;
}

/**
 * Has sendmail send a message to those whom its header names. Undefined: it says that it did; else why not, a line of printable
 * ASCII characters. Throws what writing and reading files throws; nothing was sent then.
 */
export async function sendMessage(request: SendRequest): Promise<string | undefined> {
  const { outbox, sender, seconds = SEND_SECONDS } = request;
  const input = await inputOf(request);
  let child: Child;
  let said: Said;
  try {
    child = await spawn({
      file: outbox.sendmail,
      args: ['-oi', '-t', ...(sender === '' ? [] : ['-f', sender])],
      env: { ...pathOnly(process.env), ...(sender !== '' && { AUTHENTICATED: sender }) },
      stdio: [input.fd, 'ignore', 'pipe'],
      // A group of its own: who ends the service does not end it, and killGroup reaches what it started.
      detached: true,
    });
    // Before anything is waited for: what nobody listens to is thrown away when the program ends.
    said = new Said(child.stdio[2] as Readable);
  } catch (error) {
    return reason(faultOf(error, 'unable to run sendmail').message);
  } finally {
    await input.close();
  }
  const exit = await exitWithin(child, seconds);
  if (exit !== undefined && 'code' in exit && exit.code === 0) {
    said.stop();
    return undefined;
  }
  const line = await said.firstLine();
  if (exit === undefined)
    return `sendmail did not end in ${seconds} seconds; perhaps the message was sent`;
  if ('signal' in exit) return `sendmail was ended by ${exit.signal}`;
  return line === '' ? `sendmail ended with exit code ${exit.code}` : reason(line);
}

/**
 * The message with the field that says who sent it, open for reading. A file and not a pipe: at the end of a pipe that a
 * crash of ours has closed, sendmail would take half a message for a whole one. Its name is gone at once.
 */
async function inputOf({ outbox, sender, dir, content }: SendRequest): Promise<FileHandle> {
  const path = join(dir, 'tmp', `${Math.floor(Date.now() / 1000)}.${randomUUID()}.outbox`);
  const writer = await open(path, 'wx', 0o600);
  let reader: FileHandle | undefined;
  try {
    reader = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    await unlink(path);
    if (sender !== '') await writer.appendFile(`${outbox.headerFrom}: ${sender}\n`);
    for await (const piece of content) await writer.appendFile(piece);
    return reader;
  } catch (error) {
    await reader?.close();
    await unlink(path).catch(() => {}); // It may be gone already.
    throw error;
  } finally {
    await writer.close();
  }
}

/** Undefined: it took too long, and was killed with all that it started. */
async function exitWithin(child: Child, seconds: number): Promise<Exit | undefined> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.killGroup('SIGKILL');
  }, seconds * 1000);
  const exit = await child.exited;
  clearTimeout(timer);
  return late ? undefined : exit;
}

/** Printable ASCII, whatever it was. */
function reason(text: string): string {
  return escapeForLog(text, REASON_MAX).replace(
    /[^ -~]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16)}`,
  );
}

/** What a program says on a pipe: the beginning is kept, and all is read, so that it does not wait for us. */
class Said {
  readonly #stream: Readable;
  readonly #over: Promise<void>;
  #text = '';

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1', 0, Math.max(0, SAID_MAX - this.#text.length));
    });
    this.#over = new Promise((done) => {
      stream.once('close', done);
    });
  }

  /** To be asked once it has ended. Without line end, '' if there is none. */
  async firstLine(): Promise<string> {
    const waiting = new AbortController();
    const { signal } = waiting;
    await Promise.race([this.#over, wait(SAID_WAIT, undefined, { signal }).catch(() => {})]);
    waiting.abort();
    // Where all is slow the clock may have been quicker than what is in the pipe.
    await nextTurn();
    this.stop();
    return /[^\r\n]+/.exec(this.#text)?.[0].trim() ?? '';
  }

  stop(): void {
    this.#stream.destroy();
  }
}
