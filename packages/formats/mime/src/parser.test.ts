import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Message, MessageParser, type Part, parseMessage } from './index.ts';
import { BOUNDARY_MAX, DEPTH_MAX, PARTS_MAX } from './limits.ts';
import { cutAt, hostileBytes, parsed, parsedChunks, sent } from './testing/messages.ts';

/** The tree in short: "multipart/mixed[text/plain 'hello']", a leaf with its body's bytes. */
function shape(text: string, part: Part = parsed(text).root): string {
  const type = `${part.type}/${part.subtype}`;
  if (part.kind === 'multipart')
    return `${type}[${part.parts.map((p) => shape(text, p)).join(', ')}]`;
  if (part.kind === 'message') return `${type}(${shape(text, part.message)})`;
  return `${type} ${JSON.stringify(text.slice(part.body.start, part.body.end))}`;
}

const MIXED = 'Content-Type: multipart/mixed; boundary="x"\n\n';

test.each([
  ['an empty file', '', 'text/plain ""'],
  ['a header without a body', 'Subject: a\n', 'text/plain ""'],
  ['a header whose last line has no line end', 'Subject: a', 'text/plain ""'],
  ['a body without a header', '\nbody\n', 'text/plain "body\\n"'],
  ['a body whose last line has no line end', 'A: b\n\nbody', 'text/plain "body"'],
  ['CRLF line ends', 'A: b\r\n\r\nbody\r\n', 'text/plain "body\\r\\n"'],
  ['a lone CR, which ends no line', 'A: b\r\n\r\r\n\nbody', 'text/plain "body"'],
  ['no boundary parameter', 'Content-Type: multipart/mixed\n\n--x\n', 'text/plain "--x\\n"'],
  ['an empty boundary', 'Content-Type: multipart/mixed; boundary=""\n\n--\n', 'text/plain "--\\n"'],
  ['no boundary line at all', `${MIXED}text`, 'text/plain "text"'],
  ['only the last boundary line', `${MIXED}a\n--x--\nb`, 'text/plain "a\\n--x--\\nb"'],
  [
    'preamble and epilogue',
    `${MIXED}pre\n--x\n\na\n--x\n\nb\n--x--\nepi\n--x\n\nc`,
    'multipart/mixed[text/plain "a", text/plain "b"]',
  ],
  ['no last boundary line', `${MIXED}--x\n\na\n`, 'multipart/mixed[text/plain "a\\n"]'],
  [
    'a boundary line as the last bytes',
    `${MIXED}--x\n\na\n--x`,
    'multipart/mixed[text/plain "a", text/plain ""]',
  ],
  [
    'CRLF before a boundary line',
    `${MIXED}--x\r\n\r\na\r\n--x--`,
    'multipart/mixed[text/plain "a"]',
  ],
  ['an empty part', `${MIXED}--x\n\n--x--`, 'multipart/mixed[text/plain ""]'],
  ['a part of nothing', `${MIXED}--x\n--x\n--x--`, 'multipart/mixed[text/plain "", text/plain ""]'],
  ['a part with a header only', `${MIXED}--x\nContent-Type: a/b\n--x--`, 'multipart/mixed[a/b ""]'],
  ['an empty line in a part', `${MIXED}--x\n\na\n\n--x--`, 'multipart/mixed[text/plain "a\\n"]'],
  ['blanks behind a boundary', `${MIXED}--x \t\n\na\n--x-- \n`, 'multipart/mixed[text/plain "a"]'],
  [
    'a boundary that is no line',
    `${MIXED}--x\n\na --x\n --x\n--x--`,
    'multipart/mixed[text/plain "a --x\\n --x"]',
  ],
  [
    'a quoted odd boundary',
    'Content-Type: multipart/mixed; boundary="foo  bar"\n\n--foo  bar\n\na\n--foo  bar--\n',
    'multipart/mixed[text/plain "a"]',
  ],
  [
    'a boundary with a quoted quote and blanks at its end',
    'Content-Type: multipart/mixed; boundary="a\\"b  "\n\n--a"b\n\na\n--a"b--\n',
    'multipart/mixed[text/plain "a"]',
  ],
  [
    'an 8-bit boundary',
    'Content-Type: multipart/mixed; boundary="\xe9"\n\n--\xe9\n\na\n--\xe9--\n',
    'multipart/mixed[text/plain "a"]',
  ],
  [
    'an inner boundary that the outer is a prefix of',
    `${MIXED}--x\nContent-Type: multipart/mixed; boundary=xx\n\n--xx\n\na\n--xx\n\nb\n--xx--\n--x\n\nc\n--x--`,
    'multipart/mixed[multipart/mixed[text/plain "a", text/plain "b"], text/plain "c"]',
  ],
  [
    'an inner boundary that is a prefix of the outer',
    'Content-Type: multipart/mixed; boundary=xx\n\n--xx\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x\n\nb\n--xx\n\nc\n--xx--',
    'multipart/mixed[multipart/mixed[text/plain "a", text/plain "b"], text/plain "c"]',
  ],
  [
    'an outer boundary that ends an inner multipart without a last boundary',
    `${MIXED}--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\na\n--x\n\nb\n--x--`,
    'multipart/mixed[multipart/mixed[text/plain "a"], text/plain "b"]',
  ],
  [
    'the same boundary inside and outside: the inner one has it',
    `${MIXED}--x\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x--\n--x\n\nb\n--x--`,
    'multipart/mixed[multipart/mixed[text/plain "a"], text/plain "b"]',
  ],
  [
    'a digest, whose parts are messages',
    'Content-Type: multipart/digest; boundary=x\n\n--x\n\nSubject: a\n\none\n--x\nContent-Type: text/html\n\ntwo\n--x--',
    'multipart/digest[message/rfc822(text/plain "one"), text/html "two"]',
  ],
  [
    'a message in a message in a part',
    `${MIXED}--x\nContent-Type: message/rfc822\n\nContent-Type: message/global\n\nA: b\n\ndeep\n--x--`,
    'multipart/mixed[message/rfc822(message/global(text/plain "deep"))]',
  ],
  [
    'a message whose header a boundary cuts',
    `${MIXED}--x\nContent-Type: message/rfc822\n\nSubject: a\n--x\n\nb\n--x--`,
    'multipart/mixed[message/rfc822(text/plain ""), text/plain "b"]',
  ],
  [
    'message/partial, which is no message',
    'Content-Type: message/partial\n\nA: b\n',
    'message/partial "A: b\\n"',
  ],
  ['a type that is none', 'Content-Type: plain\n\na', 'text/plain "a"'],
  ['an empty type', 'Content-Type:\n\na', 'text/plain "a"'],
  ['a type with comments', 'Content-Type: (a(b)) text (c) / (d) html (e)\n\na', 'text/html "a"'],
  ['blanks before the colon', 'Content-Type \t: text/html\n\na', 'text/html "a"'],
  ['two types, of which the first counts', 'Content-Type: a/b\nContent-Type: c/d\n\n', 'a/b ""'],
  ['a line that is no field', 'From joe Thu\nno field\nContent-Type: a/b\n\n', 'a/b ""'],
])('%s', (_, text, expected) => {
  expect(shape(text)).toBe(expected);
});

test('places are given in the file and as sent, sizes and lines with them', () => {
  const text = `${MIXED}--x\nA: b\n\none\ntwo\r\n--x\n\n\n--x--\nend`;
  const { root, size, crlfSize } = parsed(text);
  expect(size).toBe(text.length);
  expect(crlfSize).toBe(sent(Buffer.from(text)).length);
  const [first, second] = root.kind === 'multipart' ? root.parts : [];
  expect(first?.header).toEqual({ start: 49, end: 55, crlfStart: 52, crlfEnd: 60, lines: 2 });
  expect(first?.body).toEqual({ start: 55, end: 62, crlfStart: 60, crlfEnd: 68, lines: 1 });
  expect(second?.body).toEqual({ start: 69, end: 69, crlfStart: 77, crlfEnd: 77, lines: 0 });
});

test('any chunks give the same tree', () => {
  fc.assert(
    fc.property(hostileBytes, fc.array(fc.nat(2000), { maxLength: 20 }), (bytes, cuts) => {
      const whole = parsedChunks([bytes]);
      expect(parsedChunks(cutAt(bytes, cuts))).toEqual(whole);
    }),
    { numRuns: 1000 },
  );
});

test('byte by byte gives the same tree, with lines, boundaries and fields around their limits', async () => {
  const boundary = 'b'.repeat(BOUNDARY_MAX);
  for (const length of [BOUNDARY_MAX - 1, BOUNDARY_MAX, BOUNDARY_MAX + 1, 3000]) {
    const line = `--${'b'.repeat(length)}`;
    const bytes = Buffer.from(
      `Subject: ${'s'.repeat(3000)}\n go\nContent-Type: multipart/mixed; boundary=${boundary}\n\n${line}\n\na\n${line}--\n`,
    );
    const whole = parsedChunks([bytes]);
    expect(whole.root.kind).toBe(length < BOUNDARY_MAX ? 'leaf' : 'multipart');
    expect(whole.root.envelope?.subject).toBe(`${'s'.repeat(3000)} go`);
    expect(await parseMessage(cutAt(bytes, [...bytes.keys()]))).toEqual(whole);
  }
});

/** Every part of the tree lies in the one around it, behind the one before, and is counted right. */
function checkPlaces(bytes: Buffer, message: Message): void {
  const sentUpTo = (at: number) => {
    // A LF at the cut may have its CR right before it.
    return sent(bytes.subarray(0, at)).length;
  };
  const check = (part: Part, from: number, to: number): void => {
    const { header, body } = part;
    expect(header.start).toBeGreaterThanOrEqual(from);
    expect(header.end).toBeGreaterThanOrEqual(header.start);
    expect(body.start).toBe(header.end);
    expect(body.end).toBeGreaterThanOrEqual(body.start);
    expect(body.end).toBeLessThanOrEqual(to);
    for (const span of [header, body]) {
      expect(span.crlfStart).toBe(sentUpTo(span.start));
      expect(span.crlfEnd).toBe(sentUpTo(span.end));
      const lines = bytes.subarray(span.start, span.end).filter((byte) => byte === 10).length;
      expect(span.lines).toBe(lines);
    }
    if (part.kind === 'message') {
      expect(part.message.header.start).toBe(body.start);
      expect(part.message.body.end).toBe(body.end);
      check(part.message, body.start, body.end);
    }
    if (part.kind === 'multipart') {
      let at = body.start;
      for (const child of part.parts) {
        // Between two parts there is a boundary line and nothing else.
        const between = bytes.toString('latin1', at, child.header.start);
        expect(between).toMatch(at === body.start ? /(^|\n)--[^\n]*\n?$/ : /^(\r?\n)?--[^\n]*\n?$/);
        check(child, at, body.end);
        at = child.body.end;
      }
    }
  };
  check(message.root, 0, bytes.length);
  expect(message.root.header.start).toBe(0);
  expect(message.root.body.end).toBe(bytes.length);
  expect(message.size).toBe(bytes.length);
  expect(message.crlfSize).toBe(sent(bytes).length);
  expect(message.hasNul).toBe(bytes.includes(0));
}

test('whatever the bytes, parts lie within one another, apart but for boundary lines, and sizes are right', () => {
  fc.assert(
    fc.property(hostileBytes, (bytes) => checkPlaces(bytes, parsedChunks([bytes]))),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
      checkPlaces(Buffer.from(bytes), parsedChunks([Buffer.from(bytes)])),
    ),
  );
});

/** How deep the tree is, and how many parts it has. */
function extent(part: Part): { depth: number; count: number } {
  const children =
    part.kind === 'multipart' ? part.parts : part.kind === 'message' ? [part.message] : [];
  const inner = children.map(extent);
  return {
    depth: 1 + Math.max(0, ...inner.map((each) => each.depth)),
    count: 1 + inner.reduce((sum, each) => sum + each.count, 0),
  };
}

test('10,000 multiparts in one another end as text at the depth limit', () => {
  let text = '';
  for (let i = 0; i < 10_000; i++)
    text += `Content-Type: multipart/mixed; boundary=b${i}x\n\n--b${i}x\n`;
  const { root } = parsed(text);
  expect(extent(root)).toEqual({ depth: DEPTH_MAX, count: DEPTH_MAX });
});

test('10,000 messages in one another end as text at the depth limit', () => {
  const { root } = parsed('Content-Type: message/rfc822\n\n'.repeat(10_000));
  expect(extent(root)).toEqual({ depth: DEPTH_MAX, count: DEPTH_MAX });
  let part = root;
  while (part.kind === 'message') part = part.message;
  expect(part).toMatchObject({ kind: 'leaf', type: 'text', subtype: 'plain' });
});

test('100,000 empty parts: beyond the limit all is text of the last one', () => {
  const text = `${MIXED}${'--x\n\n'.repeat(100_000)}--x--\n`;
  const { root } = parsed(text);
  expect(extent(root).count).toBe(PARTS_MAX);
  const last = root.kind === 'multipart' ? root.parts.at(-1) : undefined;
  expect(last?.body.end).toBe(text.length);
});

test('a message part at the parts limit is text', () => {
  const part = '--x\nContent-Type: message/rfc822\n\nA: b\n\n';
  const { root } = parsed(MIXED + part.repeat(PARTS_MAX));
  expect(extent(root).count).toBe(PARTS_MAX);
});

test('5 MB of lines that look like boundaries take linear time, however many boundaries are open', () => {
  // With every line compared to every boundary these would be 10 billion steps.
  let text = '';
  for (let i = 0; i < DEPTH_MAX; i++) {
    const boundary = `${'b'.repeat(900)}${String(i).padStart(3, '0')}`;
    text += `Content-Type: multipart/mixed; boundary=${boundary}\n\n--${boundary}\n`;
  }
  const chunk = Buffer.from(`--${'b'.repeat(900)}zzz\n--b\n--\n`.repeat(70));
  const parser = new MessageParser();
  parser.push(Buffer.from(`${text}\n`));
  for (let i = 0; i < 80; i++) parser.push(chunk);
  expect(extent(parser.end().root).depth).toBe(DEPTH_MAX);
});

test('a header without an end is not held', () => {
  const parser = new MessageParser();
  parser.push(Buffer.from('From: a@b\nX: '));
  const line = Buffer.alloc(1024 * 1024, 'x');
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 64; i++) parser.push(line);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  parser.push(Buffer.from('\nTo: c@d'));
  const { root } = parser.end();
  expect(root.envelope?.to).toEqual([
    { name: undefined, route: undefined, mailbox: 'c', host: 'd' },
  ]);
  expect(root.body.start).toBe(root.body.end);
});
