import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseField } from '@q/rfc822';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Answerable, type Answered, answerOnce } from './answer.ts';

let dir: string;
let sent: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'answer-'));
  sent = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

const HEADER = ['To: joe@h.test', 'Subject: lunch'];

function answer(header: readonly string[], changes: Partial<Answerable> = {}): Promise<Answered> {
  return answerOnce({
    sender: 'ann@x.test',
    own: ['joe@h.test'],
    memory: { path: join(dir, 'memory'), seconds: 100 },
    now: 811_000_000,
    pid: 77,
    program: 'replier',
    readHeader: async (look) => {
      for (const text of header) {
        const field = parseField(`${text}\n`);
        if (field !== undefined) look(field);
      }
    },
    textFor: ({ subject }) => ({ fields: new Map(), body: `About ${subject}: \xe9\n` }),
    send: async (message) => {
      sent.push(message.toString('latin1'));
      return String(sent.length);
    },
    ...changes,
  });
}

test('a message is answered, and the next of its sender when the first is forgotten', async () => {
  expect(await answer(HEADER)).toEqual({ qp: '1' });
  expect(sent).toEqual([
    expect.stringMatching(/^To: <ann@x\.test>$[\s\S]*\n\nAbout lunch: \xe9\n$/m),
  ]);
  expect(await answer(HEADER)).toEqual({ silence: 'the sender has had a reply' });
  expect(await answer(HEADER, { sender: 'bob@x.test' })).toEqual({ qp: '2' });
  expect(await answer(HEADER, { now: 811_000_100 })).toEqual({ qp: '3' });
});

test.each<[string, readonly string[], Partial<Answerable>]>([
  ['it is a bounce', HEADER, { sender: '' }],
  ['it is not addressed to here', ['To: other@h.test'], {}],
  ['precedence: bulk', [...HEADER, 'Precedence: bulk'], {}],
])('there is no answer, and nothing is remembered, if %s', async (silence, header, changes) => {
  const said = await answer(header, changes);
  expect(said).toEqual({ silence: expect.stringMatching(new RegExp(silence, 'i')) });
  expect(sent).toEqual([]);
  expect(existsSync(join(dir, 'memory'))).toBe(false);
});

test('the header of a bounce is not even read', async () => {
  const readHeader = () => Promise.reject(new Error('read'));
  await expect(answer([], { readHeader })).rejects.toThrow('read');
  expect(await answer([], { readHeader, sender: '' })).toEqual({ silence: 'it is a bounce' });
});

test('an answer that cannot be sent is trouble, and is tried again', async () => {
  const send = () => Promise.reject(new Error('queue'));
  await expect(answer(HEADER, { send })).rejects.toThrow('queue');
  expect(await answer(HEADER)).toEqual({ qp: '1' });
});
