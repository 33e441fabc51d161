// Dialogues: what a client says and what a program must answer, as a text file. The program is the
// built executable, on a pair of sockets as fds 0 and 1, in a QMAILHOME of its own.
//
//   run qmail-smtpd                    the program in bin/dist and its arguments: the first line
//   env TCPREMOTEIP=192.0.2.1          a variable; PATH and QMAILHOME are always there
//   dir Maildir/new                    a directory below the home
//   file control/rcpthosts             a file below the home, its lines follow, each ended by LF
//   | example.org
//   program queue                      the same, executable
//   | #!/bin/sh
//   ---
//   S: 220 mx.test ESMTP               a line the server must say next, exactly
//   S~ 250 ok [0-9]+ qp [0-9]+         ... or as this regular expression, which must match all of it
//   C: HELO client                     a line the client says, ended by CRLF
//   C. half a line                     the same without a line end
//   close                              the client says no more
//   exit 1                             the server has closed without another word; its exit code
//   ---
//   after message                      a file below the home must now hold just these lines
//   | Subject: x
//   ~ Received: from .*
//   absent other                       a path that must not exist
//
// Lines beginning with # are comments. In all texts {home} is the home, {3*ab} is ababab, and \r \n \t
// \\ \xHH stand for bytes. Consecutive C lines go out in one write.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { DIST } from './instance.ts';

/** Seconds a line may take to come. */
const PATIENCE = 120;

type Line = { readonly number: number; readonly word: string; readonly rest: string };

interface Dialogue {
  readonly setup: readonly Line[];
  readonly talk: readonly Line[];
  readonly outcome: readonly Line[];
}

export interface DialogueOptions {
  /** Each byte of the client is a write of its own. */
  readonly byteByByte?: boolean;
}

/** Runs a dialogue file. Throws an Error that names the line where the program did something else. */
export async function runDialogue(path: string, options: DialogueOptions = {}): Promise<void> {
  const dialogue = parseDialogue(readFileSync(path, 'latin1'), path);
  const home = mkdtempSync(join(tmpdir(), 'dialogue-'));
  const said = (text: string) => expand(text, home);
  try {
    const { argv, env } = setUp(dialogue.setup, home, said);
    const [name = '', ...args] = argv;
    const child = spawn(join(DIST, name), args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const peer = new Peer(child, options.byteByByte === true);
    try {
      for (const line of dialogue.talk) await at(path, line, () => speak(peer, line, said));
      const last = dialogue.talk.at(-1) ?? { number: 1, word: '', rest: '' };
      if (last.word !== 'exit') await at(path, last, () => peer.expectEnd(undefined));
    } finally {
      child.kill('SIGKILL');
    }
    checkOutcome(dialogue.outcome, home, path, said);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** How many bytes the client of a dialogue says, to keep the byte-by-byte form for the short ones. */
export function clientBytes(path: string): number {
  const { talk } = parseDialogue(readFileSync(path, 'latin1'), path);
  return talk.reduce(
    (sum, line) => sum + (line.word.startsWith('C') ? expand(line.rest, '').length : 0),
    0,
  );
}

function parseDialogue(text: string, path: string): Dialogue {
  const sections: Line[][] = [[]];
  for (const [i, raw] of text.split('\n').entries()) {
    if (raw === '' || raw.startsWith('#')) continue;
    if (raw === '---') {
      sections.push([]);
      continue;
    }
    const space = raw.indexOf(' ');
    const word = space < 0 ? raw : raw.slice(0, space);
    sections.at(-1)?.push({ number: i + 1, word, rest: space < 0 ? '' : raw.slice(space + 1) });
  }
  const [setup = [], talk = [], outcome = []] = sections;
  if (setup[0]?.word !== 'run') throw new Error(`${path}: the first line must be "run PROGRAM"`);
  return { setup, talk, outcome };
}

function setUp(lines: readonly Line[], home: string, said: (text: string) => string) {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, QMAILHOME: home };
  let argv: string[] = [];
  for (const [i, { word, rest }] of lines.entries()) {
    const text = said(rest);
    const content = () =>
      blockAfter(lines, i)
        .map((line) => `${said(line.rest)}\n`)
        .join('');
    if (word === 'run') argv = text.split(' ');
    else if (word === 'env')
      env[text.slice(0, text.indexOf('='))] = text.slice(text.indexOf('=') + 1);
    else if (word === 'dir') mkdirSync(join(home, text), { recursive: true });
    else if (word === 'file' || word === 'program') {
      mkdirSync(dirname(join(home, text)), { recursive: true });
      const mode = word === 'program' ? 0o755 : 0o644;
      writeFileSync(join(home, text), content(), { encoding: 'latin1', mode });
    } else if (word !== '|') throw new Error(`unknown word in set-up: ${word}`);
  }
  return { argv, env };
}

/** The | and ~ lines that directly follow line `index`. */
function blockAfter(lines: readonly Line[], index: number): Line[] {
  const block: Line[] = [];
  for (const line of lines.slice(index + 1)) {
    if (line.word !== '|' && line.word !== '~') break;
    block.push(line);
  }
  return block;
}

async function speak(peer: Peer, line: Line, said: (text: string) => string): Promise<void> {
  switch (line.word) {
    case 'C:':
      return peer.say(`${said(line.rest)}\r\n`);
    case 'C.':
      return peer.say(said(line.rest));
    case 'S:':
      return peer.expectLine((heard) => heard === said(line.rest), line.rest);
    case 'S~':
      return peer.expectLine(
        (heard) => new RegExp(`^(?:${line.rest})$`, 's').test(heard),
        line.rest,
      );
    case 'close':
      return peer.close();
    case 'exit':
      return peer.expectEnd(Number(line.rest));
    default:
      throw new Error(`unknown word in dialogue: ${line.word}`);
  }
}

function checkOutcome(
  lines: readonly Line[],
  home: string,
  path: string,
  said: (text: string) => string,
): void {
  for (const [i, line] of lines.entries()) {
    const file = join(home, said(line.rest));
    if (line.word === 'absent' && existsSync(file)) {
      throw new Error(
        `${path}:${line.number}: ${line.rest} exists: ${readFileSync(file, 'latin1')}`,
      );
    }
    if (line.word === 'after')
      checkFile(`${path}:${line.number}`, file, blockAfter(lines, i), said);
  }
}

function checkFile(
  where: string,
  file: string,
  expected: readonly Line[],
  said: (text: string) => string,
): void {
  const text = readFileSync(file, 'latin1');
  const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
  const fits =
    lines.length === expected.length &&
    expected.every(({ word, rest }, i) =>
      word === '|' ? lines[i] === said(rest) : new RegExp(`^(?:${rest})$`).test(lines[i] ?? ''),
    );
  if (!fits) throw new Error(`${where}: ${file} holds other lines:\n${text}`);
}

function expand(text: string, home: string): string {
  return text
    .replaceAll('{home}', home)
    .replaceAll(/\{(\d+)\*([^}]*)\}/g, (_, count, piece: string) => piece.repeat(Number(count)))
    .replaceAll(/\\(?:x([0-9a-fA-F]{2})|([rnt\\]))/g, (_, hex, letter: string) =>
      hex === undefined
        ? ({ r: '\r', n: '\n', t: '\t', '\\': '\\' }[letter] as string)
        : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

async function at(path: string, line: Line, action: () => Promise<void> | void): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw new Error(`${path}:${line.number}: ${(error as Error).message}`, { cause: error });
  }
}

/** The client's side of a running program. */
class Peer {
  readonly #child: ChildProcess;
  readonly #input: Duplex;
  readonly #byteByByte: boolean;
  readonly #exited: Promise<number | null>;
  #unsaid = '';
  #heard = '';
  #errors = '';
  #ended = false;
  #stir: () => void = () => {};

  constructor(child: ChildProcess, byteByByte: boolean) {
    this.#child = child;
    this.#byteByByte = byteByByte;
    this.#input = child.stdin as unknown as Duplex;
    this.#input.on('error', () => {}); // a server that hung up has said so by its end of output
    this.#exited = new Promise((resolve) => child.once('close', resolve));
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
      this.#stir();
    });
    child.stdout?.on('end', () => {
      this.#ended = true;
      this.#stir();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString('latin1');
    });
  }

  say(text: string): void {
    this.#unsaid += text;
  }

  close(): void {
    this.#send();
    this.#input.end();
  }

  async expectLine(fits: (line: string) => boolean, wanted: string): Promise<void> {
    this.#send();
    await this.#until(() => this.#heard.includes('\n') || this.#ended, `"${wanted}"`);
    const end = this.#heard.indexOf('\n');
    if (end < 0) throw new Error(`"${wanted}" wanted, but the server closed${this.#trouble()}`);
    const line = this.#heard.slice(0, end).replace(/\r$/, '');
    const bare = this.#heard[end - 1] !== '\r';
    this.#heard = this.#heard.slice(end + 1);
    if (bare) throw new Error(`the server ended a line with a bare LF: "${line}"`);
    if (!fits(line)) throw new Error(`"${wanted}" wanted, "${line}" heard${this.#trouble()}`);
  }

  /** No more words; the exit code if one is given. Without one the client hangs up first. */
  async expectEnd(code: number | undefined): Promise<void> {
    if (code === undefined) this.close();
    else this.#send();
    await this.#until(() => this.#ended, 'the end of output');
    if (this.#heard !== '') throw new Error(`the server said more: "${this.#heard}"`);
    this.#input.end();
    const exit = await this.#exited;
    if (code !== undefined && exit !== code) {
      throw new Error(`exit code ${exit}, not ${code}${this.#trouble()}`);
    }
  }

  #send(): void {
    const bytes = Buffer.from(this.#unsaid, 'latin1');
    this.#unsaid = '';
    if (!this.#byteByByte) this.#input.write(bytes);
    else for (const byte of bytes) this.#input.write(Buffer.of(byte));
  }

  #until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => {
        reject(new Error(`waited ${PATIENCE} s for ${what}${this.#trouble()}`));
      }, PATIENCE * 1000);
      this.#stir = () => {
        if (!condition()) return;
        clearTimeout(patience);
        this.#stir = () => {};
        resolve();
      };
      this.#stir();
    });
  }

  #trouble(): string {
    return this.#errors === '' ? '' : `; pid ${this.#child.pid} on stderr: ${this.#errors}`;
  }
}
