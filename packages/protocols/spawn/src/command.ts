// What qmail-send writes to qmail-lspawn and qmail-rspawn: one delivery each (qmail-lspawn(8), qmail-rspawn(8)).
//
//   command = slot message NUL sender NUL recipient NUL
//   slot    = OCTET                  ; number of the delivery, chosen by qmail-send, free for reuse after its report
//   message = split "/" number       ; relative to queue/mess, e.g. "17/1203431"
//
// Example: <03> 17/1203431 <00> joe@example.com <00> ann@example.net <00>

import { bytesOf } from '@q/bytes';
import { FIELD_MAX } from './limits.ts';

/** One delivery to be tried. Addresses are latin1 text without angle brackets. */
export interface DeliveryCommand {
  readonly slot: number;
  /** "SPLIT/NUMBER", relative to queue/mess; not checked by the decoder. */
  readonly message: string;
  readonly sender: string;
  readonly recipient: string;
  /** A field was longer than FIELD_MAX and has been cut: the command must be refused. */
  readonly overlong: boolean;
}

/** The bytes of one command. Throws RangeError for a slot that is no byte or a NUL in a field: those are bugs. */
export function encodeDelivery(command: Omit<DeliveryCommand, 'overlong'>): Buffer {
  const { slot, message, sender, recipient } = command;
  if (!Number.isInteger(slot) || slot < 0 || slot > 255) throw new RangeError('slot is not a byte');
  const fields = [message, sender, recipient];
  if (fields.some((field) => field.includes('\0'))) throw new RangeError('NUL inside a field');
  return bytesOf(`${String.fromCharCode(slot)}${fields.join('\0')}\0`);
}

/** Reads commands from chunks that may be cut anywhere; holds at most one unfinished command. */
export class DeliveryDecoder {
  #slot: number | undefined;
  #fields: string[] = [];
  #parts: string[] = [];
  #held = 0;
  #overlong = false;

  /** True between commands, where the stream may end. */
  get atBoundary(): boolean {
    return this.#slot === undefined;
  }

  push(chunk: Buffer, onCommand: (command: DeliveryCommand) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#slot === undefined) {
        this.#slot = chunk[at++] as number;
        continue;
      }
      const nul = chunk.indexOf(0, at);
      this.#hold(chunk, at, nul < 0 ? chunk.length : nul);
      if (nul < 0) return;
      at = nul + 1;
      this.#endField(onCommand);
    }
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const room = FIELD_MAX - this.#held;
    if (to - from > room) this.#overlong = true;
    const piece = chunk.toString('latin1', from, Math.min(to, from + room));
    if (piece.length === 0) return;
    this.#parts.push(piece);
    this.#held += piece.length;
  }

  #endField(onCommand: (command: DeliveryCommand) => void): void {
    this.#fields.push(this.#parts.join(''));
    this.#parts = [];
    this.#held = 0;
    if (this.#fields.length < 3) return;
    const [message, sender, recipient] = this.#fields as [string, string, string];
    const command = {
      slot: this.#slot as number,
      message,
      sender,
      recipient,
      overlong: this.#overlong,
    };
    this.#slot = undefined;
    this.#fields = [];
    this.#overlong = false;
    onCommand(command);
  }
}
