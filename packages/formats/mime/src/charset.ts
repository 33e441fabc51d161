// Character sets by the names they have in mail (RFC 2978). Only those of a fixed table are known: a name out of a
// message never reaches a loader. Node decodes UTF-8 and the charsets of East Asia, of which iconv-lite lacks ISO-2022-JP
// and takes broken text for something else when it comes in other pieces; iconv-lite decodes the others.

import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import iconv from 'iconv-lite';

/** Decodes a text piece by piece; bytes that mean nothing in the charset become U+FFFD. */
interface TextDecoding {
  push(bytes: Buffer): string;
  end(): string;
}

export interface Charset {
  /** Its preferred name: "utf-8". */
  readonly name: string;
  decoder(): TextDecoding;
}

/** The charset with this name, in any case; undefined when it is unknown (to SEARCH: BADCHARSET). */
export function charsetNamed(name: string): Charset | undefined {
  return BY_KEY.get(keyOf(name));
}

/** The preferred names of all that are known: what BADCHARSET lists. */
export function charsetNames(): string[] {
  return [...new Set([...BY_KEY.values()].map((charset) => charset.name))];
}

/** Decodes a whole text. */
export function decodeText(charset: Charset, bytes: Buffer): string {
  const decoder = charset.decoder();
  return decoder.push(bytes) + decoder.end();
}

/**
 * Text that does not say its charset, or says one that it cannot be in: each run of 8-bit bytes is UTF-8 if it can be,
 * otherwise Windows-1252, which ISO-8859-1 of real mail is.
 */
export const UNSTATED: Charset = { name: 'us-ascii', decoder: () => new GuessingDecoder() };

class GuessingDecoder implements TextDecoding {
  /** The 8-bit bytes at the end of what was given, which may go on. */
  #run: Buffer = EMPTY;

  push(bytes: Buffer): string {
    const text = this.#run.length === 0 ? bytes : Buffer.concat([this.#run, bytes]);
    const words: string[] = [];
    let at = 0;
    this.#run = EMPTY;
    while (at < text.length) {
      const end = endOfRun(text, at);
      const is8Bit = (text[at] as number) > 127;
      if (is8Bit && end === text.length && end - at < RUN_MAX) {
        this.#run = Buffer.from(text.subarray(at));
        break;
      }
      words.push(is8Bit ? guessed(text.subarray(at, end)) : text.toString('latin1', at, end));
      at = end;
    }
    return words.join('');
  }

  end(): string {
    const rest = guessed(this.#run);
    this.#run = EMPTY;
    return rest;
  }
}

/** The end of the bytes that are 7-bit, or 8-bit, as the one at `from` is. */
function endOfRun(text: Buffer, from: number): number {
  let end = from + 1;
  if ((text[from] as number) > 127) {
    const limit = Math.min(text.length, from + RUN_MAX);
    while (end < limit && (text[end] as number) > 127) end++;
  } else {
    while (end < text.length && (text[end] as number) < 128) end++;
  }
  return end;
}

function guessed(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : iconv.decode(bytes, 'windows1252');
}

/** How long a run may be that is looked at as one: a multiple of 2, 3 and 4, so that UTF-8 text is not cut in a character. */
const RUN_MAX = 12 * 1024;
const EMPTY: Buffer = Buffer.alloc(0);

function throughIconv(name: string, encoding: string): Charset {
  return {
    name,
    decoder() {
      const decoder = iconv.getDecoder(encoding);
      return { push: (bytes) => decoder.write(bytes), end: () => decoder.end() ?? '' };
    },
  };
}

function throughNode(name: string): Charset {
  return { name, decoder: () => new NodeDecoding(name) };
}

class NodeDecoding implements TextDecoding {
  readonly #name: string;
  #decoder: TextDecoder;

  constructor(name: string) {
    this.#name = name;
    this.#decoder = new TextDecoder(name);
  }

  push(bytes: Buffer): string {
    return this.#tolerant(bytes, () => this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string {
    return this.#tolerant(EMPTY, () => this.#decoder.decode());
  }

  /** Of some broken text in GB18030, EUC-JP and ISO-2022-JP Node says that it is not valid, although it was told to put up with it. */
  #tolerant(bytes: Buffer, decode: () => string): string {
    try {
      return decode();
    } catch {
      this.#decoder = new TextDecoder(this.#name);
      return bytes.toString('latin1').replace(/[^\0-\x7f]+/g, '\ufffd');
    }
  }
}

/** Case and punctuation of a name mean nothing: "UTF8" is written for utf-8, "iso8859-1" for iso-8859-1. */
function keyOf(name: string): string {
  return name.toLowerCase().replace(/[^0-9a-z]/g, '');
}

/** Preferred name, which is Node's too, and other names. */
const NODE: readonly (readonly [name: string, ...aliases: string[]])[] = [
  ['utf-8', 'unicode-1-1-utf-8'],
  // Who writes GB2312 means the larger set.
  ['gbk', 'gb2312', 'euc-cn', 'csgb2312', 'cp936', 'ms936', 'x-gbk'],
  ['gb18030'],
  ['big5', 'cn-big5', 'big5-hkscs', 'cp950', 'x-x-big5'],
  ['shift_jis', 'sjis', 'ms_kanji', 'windows-31j', 'cp932', 'x-sjis'],
  ['euc-jp', 'x-euc-jp'],
  ['iso-2022-jp', 'csiso2022jp', 'iso-2022-jp-2', 'iso-2022-jp-ms'],
  ['euc-kr', 'ks_c_5601-1987', 'ksc5601', 'windows-949', 'cp949'],
];

/** Preferred name, what iconv-lite calls it, and other names. */
const ICONV: readonly (readonly [name: string, encoding: string, ...aliases: string[]])[] = [
  ['utf-7', 'utf7', 'unicode-1-1-utf-7'],
  ['utf-16', 'utf16'],
  ['utf-16le', 'utf16le'],
  ['utf-16be', 'utf16be'],
  ['utf-32', 'utf32'],
  // Who writes ISO-8859-1 means Windows-1252: the bytes between 0x80 and 0x9F are quotes, not controls.
  ['iso-8859-1', 'windows1252', 'latin1', 'l1', 'cp819', 'ibm819', 'iso-ir-100'],
  ['iso-8859-2', 'iso88592', 'latin2', 'l2'],
  ['iso-8859-3', 'iso88593', 'latin3'],
  ['iso-8859-4', 'iso88594', 'latin4'],
  ['iso-8859-5', 'iso88595', 'cyrillic'],
  ['iso-8859-6', 'iso88596', 'arabic'],
  ['iso-8859-7', 'iso88597', 'greek'],
  ['iso-8859-8', 'iso88598', 'hebrew', 'iso-8859-8-i', 'iso-8859-8-e'],
  // Likewise Windows-1254 and 874.
  ['iso-8859-9', 'windows1254', 'latin5', 'l5'],
  ['iso-8859-10', 'iso885910', 'latin6'],
  ['iso-8859-11', 'windows874'],
  ['iso-8859-13', 'iso885913', 'latin7'],
  ['iso-8859-14', 'iso885914', 'latin8'],
  ['iso-8859-15', 'iso885915', 'latin9', 'latin-9'],
  ['iso-8859-16', 'iso885916', 'latin10'],
  ['tis-620', 'tis620'],
  ['windows-874', 'windows874', 'cp874'],
  ['windows-1250', 'windows1250', 'cp1250'],
  ['windows-1251', 'windows1251', 'cp1251'],
  ['windows-1252', 'windows1252', 'cp1252', 'ansi'],
  ['windows-1253', 'windows1253', 'cp1253'],
  ['windows-1254', 'windows1254', 'cp1254'],
  ['windows-1255', 'windows1255', 'cp1255'],
  ['windows-1256', 'windows1256', 'cp1256'],
  ['windows-1257', 'windows1257', 'cp1257'],
  ['windows-1258', 'windows1258', 'cp1258'],
  ['koi8-r', 'koi8r', 'koi8'],
  ['koi8-u', 'koi8u'],
  ['ibm437', 'cp437', 'cp437'],
  ['ibm850', 'cp850', 'cp850'],
  ['ibm852', 'cp852', 'cp852'],
  ['ibm858', 'cp858', 'cp858', 'ibm00858'],
  ['ibm866', 'cp866', 'cp866'],
  ['macintosh', 'macroman', 'mac', 'x-mac-roman'],
  ['viscii', 'viscii'],
];

/** Written for us-ascii, or for nothing in particular. */
const UNSTATED_NAMES = [
  'us-ascii',
  'ascii',
  'us',
  'ansi_x3.4-1968',
  'ansi_x3.4-1986',
  'iso-ir-6',
  'iso646-us',
  '646',
  'cp367',
  '7bit',
  'unknown-8bit',
  'x-unknown',
  'default',
];

const BY_KEY: ReadonlyMap<string, Charset> = tableOf();

function tableOf(): Map<string, Charset> {
  const table = new Map<string, Charset>();
  for (const name of UNSTATED_NAMES) table.set(keyOf(name), UNSTATED);
  const add = (charset: Charset, names: readonly string[]) => {
    for (const name of names) if (!table.has(keyOf(name))) table.set(keyOf(name), charset);
  };
  for (const [name, ...aliases] of NODE) add(throughNode(name), [name, ...aliases]);
  for (const [name, encoding, ...aliases] of ICONV)
    add(throughIconv(name, encoding), [name, ...aliases]);
  return table;
}
