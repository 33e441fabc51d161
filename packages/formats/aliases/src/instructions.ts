// The text of a forwarding database, which setforward reads and printforward writes. setforward(1).
//
//   text        = *instruction
//   instruction = target ":" [ command ] *( "," [ command ] ) ";"
//   command     = "?" owner / a command of command.ts
//
// Blanks and line ends mean nothing, "#" makes the rest of the line a comment, and "\" takes the next byte as it is.
// Example: root@example.org: &ann@example.net, |log\ mail; ?root@... cannot be a target: "?" begins an owner.

import { textOf } from '@q/bytes';
import type { CdbEntry } from '@q/cdb';
import { Permanent } from '@q/fault';
import { type Command, commandText, decodeCommands, parseCommand } from './command.ts';
import { INSTRUCTION_MAX } from './limits.ts';
import { commandEntries, ownerEntry } from './table.ts';

type State = 'target' | 'command';

/** Reads instructions in any number of pieces; each call gives the records that are complete. Throws Permanent. */
export class InstructionReader {
  #state: State = 'target';
  #escaped = false;
  #comment = false;
  #target = '';
  #text = '';
  #commands: Command[] = [];
  #size = 0;
  #entries: CdbEntry[] = [];

  push(chunk: Buffer): CdbEntry[] {
    for (const char of textOf(chunk)) this.#take(char);
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }

  /** At the end of the text. */
  end(): void {
    if (this.#state === 'command' || this.#text !== '')
      throw new Permanent('final instruction must end with semicolon');
  }

  #take(char: string): void {
    if (char === '\0') throw new Permanent('NUL bytes are not permitted');
    if (this.#comment) {
      this.#comment = char !== '\n';
    } else if (this.#escaped) {
      this.#escaped = false;
      this.#keep(char);
    } else if (char === '\\') {
      this.#escaped = true;
    } else if (char === '#') {
      this.#comment = true;
    } else if (char === ':' || char === ',' || char === ';') {
      this.#mark(char);
    } else if (char !== ' ' && char !== '\t' && char !== '\n' && char !== '\r') {
      this.#keep(char);
    }
  }

  #keep(char: string): void {
    if (++this.#size > INSTRUCTION_MAX)
      throw new Permanent(`instructions over ${INSTRUCTION_MAX} bytes are not permitted`);
    this.#text += char;
  }

  #mark(char: ':' | ',' | ';'): void {
    switch (this.#state) {
      case 'target':
        if (char !== ':') throw new Permanent('commas are not permitted before colons');
        this.#target = this.#text;
        this.#text = '';
        this.#state = 'command';
        return;
      case 'command':
        if (char === ':') throw new Permanent('double colons are not permitted');
        this.#endCommand();
        if (char === ';') this.#endInstruction();
    }
  }

  #endCommand(): void {
    const text = this.#text;
    this.#text = '';
    if (text === '') return;
    if (text.startsWith('?')) this.#entries.push(ownerEntry(this.#target, text.slice(1)));
    else this.#commands.push(parseCommand(text));
  }

  #endInstruction(): void {
    this.#entries.push(...commandEntries(this.#target, this.#commands));
    this.#commands = [];
    this.#size = 0;
    this.#state = 'target';
  }
}

/** One record as setforward would read it again. Undefined for a record that is none. */
export function instructionText(key: Buffer, data: Buffer): string | undefined {
  const target = escaped(textOf(key.subarray(1)));
  if (key[0] === 0x3f /* ? */) return `${target}: ?${escaped(textOf(data))};\n`;
  const commands = decodeCommands(data, { onlyLists: false });
  if (key[0] !== 0x3a /* : */ || commands === undefined) return undefined;
  return `${target}:\n${commands.map((command) => `, ${escaped(commandText(command))}\n`).join('')};\n`;
}

/** What could mean something else gets a backslash; so do all bytes that are not printable ASCII. */
function escaped(text: string): string {
  return text.replace(/[\x00-\x20#,:;\\\x80-\xff]/g, '\\$&');
}
