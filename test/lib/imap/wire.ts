// An IMAP client for tests that must see every byte: commands out, responses in as values. It knows the grammar of
// RFC 9051's responses and nothing of their meaning; replica.ts draws the conclusions.

import type { Readable, Writable } from 'node:stream';

/** NIL is undefined. Strings are latin1. */
export type Value = string | undefined | readonly Value[];

/** A line of the server without its tag or "*". */
export interface Response {
  /** "*", "+" or a tag. */
  readonly tag: string;
  /** As it came, literals included, without the last CRLF. */
  readonly text: string;
  /** The values in it, as far as it reads as values: of "3 FETCH (UID 7)" it is ["3", "FETCH", ["UID", "7"]]. */
  readonly values: readonly Value[];
}

export interface Answer {
  /** OK, NO or BAD. */
  readonly status: string;
  readonly text: string;
  /** What came before it, in order. */
  readonly untagged: readonly Response[];
}

class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** One connection. `heard` is called for every untagged response as it comes. */
export class WireClient {
  readonly #output: Writable;
  readonly #heard: (response: Response) => void;
  #held: Buffer = Buffer.alloc(0);
  #scanned = 0;
  #untagged: Response[] = [];
  #waiting:
    | {
        tags: readonly string[];
        resolve: (value: Response) => void;
        reject: (error: Error) => void;
      }
    | undefined;
  #lost: Error | undefined;
  #number = 0;

  constructor(input: Readable, output: Writable, heard: (response: Response) => void = () => {}) {
    this.#output = output;
    this.#heard = heard;
    input.on('data', (chunk: Buffer) => this.#arrived(chunk));
    input.on('error', () => this.#end());
    input.on('close', () => this.#end());
    input.on('end', () => this.#end());
    output.on('error', () => this.#end());
  }

  /** Resolves to the greeting. */
  greeting(): Promise<Response> {
    const first = this.#untagged.shift();
    return first === undefined ? this.#next('*') : Promise.resolve(first);
  }

  /** Sends a command and resolves to its answer. Literals go as `{n+}`-less pieces: see append(). */
  async run(command: string): Promise<Answer> {
    const tag = this.begin(command);
    return this.finish(tag);
  }

  /** Sends a command and does not wait. */
  begin(command: string): string {
    const tag = `t${++this.#number}`;
    this.send(`${tag} ${command}\r\n`);
    return tag;
  }

  async finish(tag: string): Promise<Answer> {
    return this.#answer(await this.#next(tag));
  }

  #answer({ text }: Response): Answer {
    const untagged = this.#untagged;
    this.#untagged = [];
    const space = text.indexOf(' ');
    return { status: text.slice(0, space), text: text.slice(space + 1), untagged };
  }

  /** `command` ends before its literal, which is sent when it is asked for. */
  literal(command: string, literal: string): Promise<Answer> {
    return this.literals(command, [['', literal]]);
  }

  /** A command with several literals, each after some words. */
  async literals(
    command: string,
    pieces: readonly (readonly [words: string, literal: string])[],
  ): Promise<Answer> {
    const tag = `t${++this.#number}`;
    let line = `${tag} ${command}`;
    for (const [words, literal] of pieces) {
      this.send(
        `${line}${words === '' ? '' : ` ${words}`} {${Buffer.byteLength(literal, 'latin1')}}\r\n`,
      );
      const first = await this.#next('+', tag);
      if (first.tag !== '+') return this.#answer(first);
      line = literal;
    }
    this.send(`${line}\r\n`);
    return this.finish(tag);
  }

  /** Resolves when the server asks to go on. */
  async continuation(): Promise<void> {
    await this.#next('+');
  }

  send(text: string): void {
    this.#output.write(text, 'latin1');
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** The next response with one of the tags. */
  #next(...tags: string[]): Promise<Response> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#waiting = { tags, resolve, reject };
    });
  }

  #arrived(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    for (;;) {
      const end = this.#lineEnd();
      if (end < 0) return;
      const line = this.#held.toString('latin1', 0, end);
      this.#held = this.#held.subarray(end + 2);
      this.#scanned = 0;
      this.#dispatch(line);
    }
  }

  /** Where the CRLF of the first response is, which is not one before a literal; -1: not there yet. */
  #lineEnd(): number {
    for (;;) {
      const end = this.#held.indexOf('\r\n', this.#scanned);
      if (end < 0) return -1;
      const literal = /~?\{(\d+)\}$/.exec(
        this.#held.toString('latin1', Math.max(this.#scanned, end - 20), end),
      );
      if (literal === null) return end;
      const after = end + 2 + Number(literal[1]);
      if (this.#held.length < after) return -1;
      this.#scanned = after;
    }
  }

  #dispatch(line: string): void {
    const space = line.indexOf(' ');
    const tag = space < 0 ? line : line.slice(0, space);
    const text = space < 0 ? '' : line.slice(space + 1);
    const response = { tag, text, values: tag === '*' ? valuesOf(text) : [] };
    if (tag === '*') this.#heard(response);
    const waiting = this.#waiting;
    if (waiting?.tags.includes(tag)) {
      this.#waiting = undefined;
      waiting.resolve(response);
    } else if (tag === '*') this.#untagged.push(response);
    else throw new Error(`nobody waits for ${line}`);
  }

  #end(): void {
    this.#lost ??= new ConnectionLost('the server has hung up');
    this.#waiting?.reject(this.#lost);
    this.#waiting = undefined;
  }
}

/** The values of a response line, as far as they can be read; text for people ends them. */
function valuesOf(text: string): readonly Value[] {
  const stack: Value[][] = [[]];
  let at = 0;
  while (at < text.length) {
    const top = stack.at(-1) as Value[];
    const char = text[at];
    if (char === ' ') at++;
    else if (char === '(') {
      stack.push([]);
      at++;
    } else if (char === ')') {
      const done = stack.pop() as Value[];
      if (stack.length === 0) return done;
      (stack.at(-1) as Value[]).push(done);
      at++;
    } else {
      const taken = atomic(text, at);
      top.push(taken.value);
      at = taken.end;
    }
  }
  return stack[0] as Value[];
}

/** FETCH's data by item. */
export function itemsOf(list: Value): ReadonlyMap<string, Value> {
  if (!Array.isArray(list)) throw new Error('FETCH without a list');
  const items = new Map<string, Value>();
  for (let i = 0; i + 1 < list.length; i += 2)
    items.set(String(list[i]).toUpperCase(), list[i + 1]);
  return items;
}

function atomic(text: string, at: number): { value: Value; end: number } {
  const rest = text.slice(at, at + 30);
  const literal = /^~?\{(\d+)\}\r\n/.exec(rest);
  if (literal !== null) {
    const start = at + literal[0].length;
    const end = start + Number(literal[1]);
    return { value: text.slice(start, end), end };
  }
  if (text[at] === '"') {
    let value = '';
    let i = at + 1;
    for (; i < text.length && text[i] !== '"'; i++) {
      if (text[i] === '\\') i++;
      value += text[i] ?? '';
    }
    return { value, end: i + 1 };
  }
  // A section's brackets may hold blanks and parentheses: BODY[HEADER.FIELDS (X)].
  const atom = /^(?:[^ ()[\]"{]|\[[^\]]*\])+/.exec(text.slice(at))?.[0] ?? (text[at] as string);
  return { value: atom.toUpperCase() === 'NIL' ? undefined : atom, end: at + atom.length };
}
