// The text of the replies, a file that the user writes: header fields, an empty line, the body. A file
// that begins with an empty line has no fields of its own.
//
//   From: Ann <ann@example.org>
//   Subject: I am away
//
//   I shall be back on Monday.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { bytesOf, textOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import { HeaderReader, parseField } from '@q/rfc822';
import { REPLY_TEXT_MAX } from './limits.ts';

export interface ReplyText {
  /** Each field whole, with its LF, by its name in lower case. Latin1. */
  readonly fields: ReadonlyMap<string, string>;
  /** Latin1. */
  readonly body: string;
}

/**
 * Throws Temporary for a text that cannot be sent, a system error for a file that cannot be read. Fields that are
 * not for the text to say, a To for one, make it such a text; or they are left out, as in texts that were written
 * for a program which sent them.
 */
export function readReplyText(path: string, others: 'refuse' | 'leave out' = 'refuse'): ReplyText {
  const file = readUpTo(path, REPLY_TEXT_MAX + 1);
  if (file.length > REPLY_TEXT_MAX) throw new Temporary(`${path} is too long`);
  const text = textOf(file).replaceAll('\r\n', '\n'); // as some editors end lines
  const fields = new Map<string, string>();
  const reader = new HeaderReader({
    onField: (lines) => {
      const field = parseField(lines);
      if (field === undefined) return;
      if (MAY_SET.test(field.key)) fields.set(field.key, lines);
      else if (others === 'refuse')
        throw new Temporary(`${path}: a reply's ${field.name} is not for the text to say`);
    },
  });
  const rest = reader.push(bytesOf(text)) ?? reader.end();
  // HeaderReader puts an empty line where there was none: before a first line that is no field.
  const body = rest?.toString('latin1').slice(1) ?? '';
  if (fields.size > 0 && !text.includes('\n\n'))
    throw new Temporary(`${path}: no empty line between the header fields and the text`);
  return { fields, body: body === '' || body.endsWith('\n') ? body : `${body}\n` };
}

/** The other fields of a reply follow from the message. */
const MAY_SET = /^(?:from|reply-to|subject|organization|mime-version|content-.*|x-.*)$/;

function readUpTo(path: string, limit: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a FIFO must not be waited for
  try {
    if (!fstatSync(fd).isFile()) throw new Temporary(`${path} is not a file`);
    const bytes = Buffer.alloc(limit);
    let used = 0;
    for (let n = 1; n > 0 && used < limit; used += n)
      n = readSync(fd, bytes, used, limit - used, null);
    return bytes.subarray(0, used);
  } finally {
    closeSync(fd);
  }
}
