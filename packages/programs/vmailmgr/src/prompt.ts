// Asks for a new password: twice and unseen on a terminal, otherwise one line of stdin. Never from argv.

import { readSync } from 'node:fs';
import { isatty, ReadStream } from 'node:tty';
import { errnoOf, faultOf, Permanent } from '@q/fault';
import { PASSWORD_MAX } from './limits.ts';
import type { Output } from './output.ts';

const LF = 0x0a;
const CR = 0x0d;
const FIRST = "Enter the user's new password: ";
const SECOND = 'Please type it again for verification: ';

/**
 * The new password's bytes, or undefined when none was given, which has been said on stderr then.
 * Reads no byte of stdin beyond the line's LF: a script may go on reading.
 */
export async function askNewPassword(tool: string, output: Output): Promise<Buffer | undefined> {
  const password = isatty(0) ? await typedTwice(tool, output) : readPasswordLine(0);
  if (password === undefined) return undefined;
  if (password.length > 0) return password;
  output.err(`${tool}: error: password is empty.\n`);
  return undefined;
}

async function typedTwice(tool: string, output: Output): Promise<Buffer | undefined> {
  const [first, second] = await typeUnseen([FIRST, SECOND], output);
  if (first !== undefined && second !== undefined && first.equals(second)) return first;
  output.err(`${tool}: error: passwords don't match\n`);
  return undefined;
}

/** One line of `fd` without its end and without blanks at its end, read byte by byte. */
function readPasswordLine(fd: number): Buffer {
  const line = Buffer.alloc(PASSWORD_MAX + 1);
  const byte = Buffer.alloc(1);
  let length = 0;
  while (readByte(fd, byte) && byte[0] !== LF) {
    if (length > PASSWORD_MAX) throw new Permanent('password is too long');
    line[length++] = byte[0] as number;
  }
  while (length > 0 && BLANKS.has(line[length - 1] as number)) length--;
  if (length > PASSWORD_MAX) throw new Permanent('password is too long');
  return line.subarray(0, length);
}

const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d, 0x0b, 0x0c]);

const NAP_MS = 20;
const napCell = new Int32Array(new SharedArrayBuffer(4));

/** False at the end of the input. */
function readByte(fd: number, byte: Buffer): boolean {
  for (;;) {
    try {
      return readSync(fd, byte, 0, 1, null) === 1;
    } catch (error) {
      if (errnoOf(error) === 'EOF') return false;
      if (errnoOf(error) !== 'EAGAIN') throw faultOf(error, 'unable to read the password');
      Atomics.wait(napCell, 0, 0, NAP_MS);
    }
  }
}

/** Keys that do something while a password is typed; all others are part of it. */
const KEY = { interrupt: 0x03, end: 0x04, backspace: 0x08, kill: 0x15, quit: 0x1c, delete: 0x7f };

const ENDING: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGINT'];

/**
 * The lines typed on the terminal of fd 0 after each prompt, without echo. The terminal is in raw mode
 * meanwhile, so the editing and interrupt keys are ours to serve; it is put back on every way out.
 */
async function typeUnseen(prompts: readonly string[], output: Output): Promise<readonly Buffer[]> {
  const terminal = new ReadStream(0);
  const end = (signal: NodeJS.Signals) => {
    terminal.setRawMode(false);
    for (const each of ENDING) process.off(each, end);
    process.kill(process.pid, signal);
  };
  terminal.setRawMode(true);
  for (const signal of ENDING) process.on(signal, end);
  try {
    const keys = keysOf(terminal);
    const lines: Buffer[] = [];
    for (const prompt of prompts) {
      output.err(prompt);
      lines.push(await typedLine(keys, () => end('SIGINT')));
      output.err('\n');
    }
    return lines;
  } finally {
    for (const signal of ENDING) process.off(signal, end);
    terminal.setRawMode(false);
    terminal.destroy();
  }
}

async function* keysOf(terminal: ReadStream): AsyncGenerator<number, undefined> {
  for await (const chunk of terminal) yield* chunk as Buffer;
  return undefined;
}

async function typedLine(
  keys: AsyncGenerator<number, undefined>,
  interrupt: () => void,
): Promise<Buffer> {
  const typed: number[] = [];
  for (;;) {
    const { value: key } = await keys.next();
    if (key === undefined || key === LF || key === CR || key === KEY.end) return Buffer.from(typed);
    if (key === KEY.interrupt || key === KEY.quit) interrupt();
    else if (key === KEY.backspace || key === KEY.delete) eraseCharacter(typed);
    else if (key === KEY.kill) typed.length = 0;
    else if (typed.length < PASSWORD_MAX) typed.push(key);
    else throw new Permanent('password is too long');
  }
}

/** Takes back one character: all bytes of it where the terminal sends UTF-8. */
function eraseCharacter(typed: number[]): void {
  while (typed.length > 0) {
    const byte = typed.pop() as number;
    if ((byte & 0xc0) !== 0x80) return;
  }
}
