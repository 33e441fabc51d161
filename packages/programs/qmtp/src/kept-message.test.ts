import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeptMessage } from './kept-message.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kept-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function contentOf(message: KeptMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.each([0, 1, 65_536, 1_048_576, 1_048_577, 5_000_000])(
  'a message of %i bytes can be read twice as it was written, and leaves no file behind',
  async (size) => {
    const bytes = Buffer.alloc(size);
    for (let i = 0; i < size; i++) bytes[i] = (i * 7 + (i >> 8)) & 0xff;
    const message = new KeptMessage(dir);
    for (let at = 0; at < size; at += 100_003)
      await message.write(bytes.subarray(at, at + 100_003));
    expect(message.size).toBe(size);
    expect((await contentOf(message)).equals(bytes)).toBe(true);
    expect((await contentOf(message)).equals(bytes)).toBe(true);
    expect(readdirSync(dir)).toEqual([]);
    await message.close();
  },
);

test('where no file can be made, a large message is exit code 53 and a small one needs none', async () => {
  const message = new KeptMessage(join(dir, 'absent'));
  await message.write(Buffer.alloc(1_048_576));
  expect(message.size).toBe(1_048_576);
  await expect(message.write(Buffer.alloc(1))).rejects.toMatchObject({ exitCode: 53 });
});
