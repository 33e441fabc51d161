// The elements of a record: numbers, strings and lists, written to a growing buffer and read back with every bound checked.
//
//   number = *%x80-FF %x00-7F          ; LEB128: seven bits a byte, lowest first, at most 2^53 - 1
//   string = number *OCTET             ; length, then latin1
//   token  = number [ string ]         ; 1 and up: a place in TOKENS, 0: the string follows
//   maybe  = number [ *OCTET ]         ; 0: undefined, otherwise length + 1

import { Permanent } from '@q/fault';

export class RecordWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #at = 0;

  /** What was written. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  number(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  string(text: string): void {
    this.number(text.length);
    this.#latin1(text);
  }

  maybe(text: string | undefined): void {
    this.number(text === undefined ? 0 : text.length + 1);
    if (text !== undefined) this.#latin1(text);
  }

  token(text: string): void {
    const place = PLACES.get(text) ?? 0;
    this.number(place);
    if (place === 0) this.string(text);
  }

  #latin1(text: string): void {
    this.#room(text.length);
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + size));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

/** Everything that is not as a RecordWriter wrote it throws Permanent. */
export class RecordReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw damaged();
    return byte;
  }

  /** A number no greater than `max`. */
  number(max = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > max) throw damaged();
        return value;
      }
    }
    throw damaged();
  }

  string(): string {
    return this.#latin1(this.number());
  }

  maybe(): string | undefined {
    const length = this.number();
    return length === 0 ? undefined : this.#latin1(length - 1);
  }

  token(): string {
    const place = this.number(TOKENS.length);
    return place === 0 ? this.string() : (TOKENS[place - 1] as string);
  }

  #latin1(length: number): string {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw damaged();
    const text = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end;
    return text;
  }
}

export function damaged(): Permanent {
  return new Permanent('message record is damaged');
}

/** Part of the format: a place never changes its meaning under one version. */
const TOKENS: readonly string[] = [
  ...['text', 'plain', 'html', 'calendar', 'csv', 'multipart', 'mixed', 'alternative', 'related'],
  ...['signed', 'encrypted', 'report', 'digest', 'message', 'rfc822', 'delivery-status', 'global'],
  ...['application', 'octet-stream', 'pdf', 'pgp-signature', 'pkcs7-signature', 'zip', 'ics'],
  ...['image', 'png', 'jpeg', 'gif', 'audio', 'video', '7bit', '8bit', 'binary', 'base64'],
  ...['quoted-printable', 'charset', 'utf-8', 'UTF-8', 'us-ascii', 'US-ASCII', 'iso-8859-1'],
  ...['ISO-8859-1', 'iso-8859-15', 'windows-1252', 'boundary', 'name', 'filename', 'filename*'],
  ...['inline', 'attachment', 'size', 'format', 'flowed', 'delsp', 'yes', 'no', 'type', 'protocol'],
  ...['micalg', 'report-type', 'application/pgp-signature', 'creation-date', 'modification-date'],
];
const PLACES: ReadonlyMap<string, number> = new Map(TOKENS.map((token, i) => [token, i + 1]));
