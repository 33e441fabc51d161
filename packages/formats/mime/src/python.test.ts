// The tree and the decoded headers beside those of Python's email package, which nobody here wrote.

import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeHeader, type Part } from './index.ts';
import { parsed } from './testing/messages.ts';

const PYTHON = `
import sys, json, email, email.header
from email import policy
def tree(m):
    t = m.get_content_type()
    if m.get_content_maintype() == 'multipart' and m.is_multipart(): return [t, [tree(p) for p in m.get_payload()]]
    if m.is_multipart(): return [t, [tree(m.get_payload(0))]]
    return [t, m.get_payload(decode=True).decode('latin1'), m.get_filename()]
def subject(m):
    return str(email.header.make_header(email.header.decode_header(m['subject'])))
out = []
for text in json.load(sys.stdin):
    m = email.message_from_bytes(text.encode('latin1'), policy=policy.compat32)
    out.append([subject(m), tree(m)])
json.dump(out, sys.stdout)
`;

const found = spawnSync('python3', ['-c', 'import email']).status === 0;
if (!found && process.env.QMAILTS_COMPLETE !== undefined)
  throw new Error('python3 is not installed');

const word = fc.stringMatching(/^[a-z]{1,12}$/);
/** Lines that are no boundaries. */
const body = fc
  .array(fc.stringMatching(/^[a-z .]{0,30}$/), { maxLength: 4 })
  .map((lines) => lines.join('\n'));

const leaf = fc.oneof(
  body.map((text) => `Content-Type: text/plain\n\n${text}`),
  body.map((text) => `\n${text}`),
  fc
    .record({ name: word, text: body })
    .map(
      ({ name, text }) =>
        `Content-Type: application/x; name="${name}.bin"\nContent-Transfer-Encoding: base64\n` +
        `Content-Disposition: attachment;\n filename="${name} x.bin"\n\n${Buffer.from(text).toString('base64')}`,
    ),
  body.map(
    (text) =>
      `Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n${text.replace(/a/g, '=61').trimEnd()}`,
  ),
);

interface Entity {
  readonly depth: number;
  readonly text: string;
}

/** Each multipart has the boundary of its depth: none is another's prefix. */
const { entity } = fc.letrec<{ entity: Entity; many: Entity }>((tie) => ({
  many: fc
    .record({
      parts: fc.array(tie('entity'), { minLength: 1, maxLength: 3 }),
      preamble: body,
      epilogue: body,
    })
    .map(({ parts, preamble, epilogue }) => {
      const depth = 1 + Math.max(...parts.map((part) => part.depth));
      const line = `--=_${depth}_`;
      const inner = parts.map((part) => `${line}\n${part.text}\n`).join('');
      return {
        depth,
        text: `Content-Type: multipart/mixed; boundary="=_${depth}_"\n\n${preamble}\n${inner}${line}--\n${epilogue}`,
      };
    }),
  entity: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf.map((text) => ({ depth: 0, text })),
    tie('many'),
    leaf.map((text) => ({
      depth: 0,
      text: `Content-Type: message/rfc822\n\nSubject: in\n${text}`,
    })),
  ),
}));

const subject = fc
  .array(
    fc.record({
      text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
      encoding: fc.constantFrom('b', 'q'),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((words) =>
    words.map(({ text, encoding }) => {
      const bytes = Buffer.from(text);
      return `=?utf-8?${encoding}?${encoding === 'b' ? bytes.toString('base64') : bytes.toString('hex').replace(/../g, '=$&')}?=`;
    }),
  )
  .map((words) => words.join('\n '));

type Tree = [string, Tree[]] | [string, string, string | null];

function treeOf(text: string, part: Part): Tree {
  const type = `${part.type}/${part.subtype}`;
  if (part.kind === 'multipart') return [type, part.parts.map((child) => treeOf(text, child))];
  if (part.kind === 'message') return [type, [treeOf(text, part.message)]];
  const raw = text.slice(part.body.start, part.body.end);
  const name = part.disposition?.parameters.find(([key]) => key === 'filename')?.[1] ?? null;
  if (part.encoding === 'base64')
    return [type, Buffer.from(raw, 'base64').toString('latin1'), name];
  return [type, part.encoding === 'quoted-printable' ? raw.replace(/=61/g, 'a') : raw, name];
}

test.runIf(found)(
  "Python's email package reads generated messages as we do (needs python3)",
  () => {
    const texts = fc
      .sample(fc.tuple(subject, entity), { numRuns: 300, seed: 2047 })
      .map(([words, { text }]) => `Subject: ${words}\n${text}`);
    const { status, stdout, stderr } = spawnSync('python3', ['-c', PYTHON], {
      input: JSON.stringify(texts),
      maxBuffer: 64 * 1024 * 1024,
    });
    expect([status, stderr.toString()]).toEqual([0, '']);
    const theirs = JSON.parse(stdout.toString('utf8')) as [string, Tree][];
    expect(theirs).toHaveLength(texts.length);
    for (const [i, text] of texts.entries()) {
      const { root } = parsed(text);
      const ours = [decodeHeader(root.envelope?.subject ?? ''), treeOf(text, root)];
      if (JSON.stringify(ours) !== JSON.stringify(theirs[i]))
        expect({ text, read: ours }).toEqual({ text, read: theirs[i] });
    }
  },
);
