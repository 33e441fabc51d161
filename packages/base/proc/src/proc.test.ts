import { once } from 'node:events';
import { expect, test } from 'vitest';
import { argText, mailText, pathOnly, spawn } from './index.ts';

const env = pathOnly(process.env);

async function outputOf(stream: NodeJS.ReadableStream | null | undefined): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) text += Buffer.from(chunk).toString('latin1');
  return text;
}

test('a child gets the stated environment and descriptors and no other', async () => {
  const child = await spawn({
    file: 'sh',
    args: [
      '-c',
      'env | cut -d= -f1 | sort | tr "\\n" " "; ls /proc/self/fd | tr "\\n" " "; cat <&3',
    ],
    env: { ...env, MARK: '1' },
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  child.stdio[3]?.end('on three');
  const out = await outputOf(child.stdio[1]);
  expect(await child.exited).toEqual({ code: 0 });
  expect(out).toMatch(/MARK/);
  expect(out).not.toMatch(/HOME|USER/);
  expect(out.endsWith('on three')).toBe(true);
});

test('an exit code and a killing signal are told apart', async () => {
  const coded = await spawn({ file: 'sh', args: ['-c', 'exit 111'], env, stdio: [] });
  expect(await coded.exited).toEqual({ code: 111 });
  const killed = await spawn({ file: 'sleep', args: ['1000'], env, stdio: [], detached: true });
  killed.killGroup('SIGKILL');
  expect(await killed.exited).toEqual({ signal: 'SIGKILL' });
  killed.killGroup('SIGKILL');
});

test('a program that cannot be executed is a fault that names it', async () => {
  await expect(spawn({ file: '/no/such', args: [], env, stdio: [] })).rejects.toThrow(
    'unable to start /no/such: no such file',
  );
});

test('a child that never reads its input does not take us along', async () => {
  const child = await spawn({ file: 'true', args: [], env, stdio: ['pipe'] });
  await child.exited;
  const input = child.stdio[0];
  input?.write(Buffer.alloc(1_000_000));
  if (input !== undefined && input !== null && !input.destroyed) await once(input, 'close');
});

test('addresses go through argv byte for byte, or are refused', () => {
  expect(mailText('jos\u00e9@example')).toBe('jos\u00c3\u00a9@example');
  expect(argText(mailText('jos\u00e9@example'))).toBe('jos\u00e9@example');
  expect(() => argText('jos\u00e9@example')).toThrow('not valid UTF-8');
});
