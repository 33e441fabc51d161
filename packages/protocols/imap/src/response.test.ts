import { bytesOf } from '@q/bytes';
import { parseMessage } from '@q/mime';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AFTER_LOGIN,
  CommandReader,
  envelopeText,
  parseCommand,
  structureText,
  wireAstring,
  wireNstring,
  wireString,
  wireText,
} from './index.ts';

const plain = { utf8: false };
const utf8 = { utf8: true };

describe('strings', () => {
  test.each([
    ['', '""'],
    ['a b', '"a b"'],
    ['"\\', '"\\"\\\\"'],
    ['a\r\nb', '{4}\r\na\r\nb'],
    ['\xe9', '{1}\r\n\xe9'],
    ['a\0b', '"ab"'],
    ['x'.repeat(2000), `{2000}\r\n${'x'.repeat(2000)}`],
  ])('%.20j', (text, wire) => {
    expect(wireString(text, plain)).toBe(wire);
  });

  test('hold UTF-8 in quotes only for who asked for it', () => {
    expect(wireString('\xc3\xbc', utf8)).toBe('"\xc3\xbc"');
    expect(wireString('\xfc', utf8)).toBe('{1}\r\n\xfc');
  });

  test('are NIL or atoms where that is allowed', () => {
    expect(wireNstring(undefined, plain)).toBe('NIL');
    expect(wireAstring('INBOX.a', plain)).toBe('INBOX.a');
    for (const text of ['nil', '', 'a b', 'a%', '(', '{1}'])
      expect(wireAstring(text, plain)).toBe(`"${text}"`);
  });

  test('come back when a command has them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, mode) => {
        const text = Buffer.from(bytes).toString('latin1');
        const wire = mode ? wireString(text, utf8) : wireAstring(text, plain);
        const reader = new CommandReader(AFTER_LOGIN);
        reader.push(bytesOf(`a GETQUOTA ${wire}\r\n`));
        let event = reader.next();
        if (event?.kind === 'continue') event = reader.next();
        if (event?.kind !== 'command') throw new Error('no command');
        const command = parseCommand(event.pieces, mode);
        expect(command).toMatchObject({ arguments: { root: text.replaceAll('\0', '') } });
      }),
      { numRuns: 500 },
    );
  });

  test('of a status line end no line and are no response code', () => {
    expect(wireText('a\r\n* BYE \xe9')).toBe('a??* BYE ?');
    expect(wireText('[ALERT] x')).not.toMatch(/^\[/);
  });
});

/** The structure and envelope of a message with LF line ends. */
async function texts(
  message: string,
): Promise<Record<'envelope' | 'body' | 'bodystructure', string>> {
  const { root } = await parseMessage([bytesOf(message)]);
  if (root.envelope === undefined) throw new Error('no envelope');
  return {
    envelope: envelopeText(root.envelope, plain),
    body: structureText(root, false, plain),
    bodystructure: structureText(root, true, plain),
  };
}

describe('a message', () => {
  test('without a header is text', async () => {
    const { body, envelope } = await texts('\nhi\n');
    expect(body).toMatch(/^\("TEXT" "PLAIN" .* "7BIT" 4 1\)$/);
    expect(envelope).toBe('(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)');
  });

  test('has its addresses in the envelope, the sender taken from From', async () => {
    const { envelope } = await texts(
      'From: "A \\"B\\"" <a@b>\nTo: g: c@d;\nSubject: \xe9\nMessage-ID: <1@x>\n\n',
    );
    const from = '(("A \\"B\\"" NIL "a" "b"))';
    const to = '((NIL NIL "g" NIL)(NIL NIL "c" "d")(NIL NIL NIL NIL))';
    expect(envelope).toBe(`(NIL {1}\r\n\xe9 ${from} ${from} ${from} ${to} NIL NIL NIL "<1@x>")`);
  });

  test('of parts has them one after the other', async () => {
    const { body, bodystructure } = await texts(
      'Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: image/png; name=a\nContent-Disposition: attachment; filename=b\nContent-Transfer-Encoding: base64\n\nAA==\n--x\nContent-Type: message/rfc822\n\nSubject: s\n\nt\n--x--\n',
    );
    const inner = '(NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)';
    expect(body).toMatch(
      /^\(\("IMAGE" "PNG" \("name" "a"\) NIL NIL "BASE64" 4\)\("MESSAGE" "RFC822" NIL NIL NIL "7BIT" /,
    );
    expect(body).toContain(inner);
    expect(body).toMatch(/ "MIXED"\)$/);
    expect(bodystructure).toContain('"BASE64" 4 NIL ("attachment" ("filename" "b")) NIL NIL)');
    expect(bodystructure).toMatch(/ "MIXED" \("boundary" "x"\) NIL NIL NIL\)$/);
  });
});
