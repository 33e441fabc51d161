import { PassThrough } from 'node:stream';
import { connOf } from '@q/session';
import { expect, test } from 'vitest';
import { type Authorizing, authorizationTable } from './authorization.ts';
import { serveCommands } from './serve.ts';

/** What a client hears that says these lines, and what it submitted. */
async function talk(...lines: string[]) {
  const input = new PassThrough();
  const output = new PassThrough();
  const submitted: string[][] = [];
  const table = authorizationTable<Authorizing>(
    (_, name, password) => {
      submitted.push([name, password]);
      return 'stop';
    },
    [
      {
        verb: 'XTRA',
        run: ({ conn }) => {
          conn.write('+OK extra\r\n');
          return 'next';
        },
      },
    ],
  );
  input.end(lines.map((line) => `${line}\r\n`).join(''));
  const conn = connOf(input, output);
  const end = await serveCommands(conn, table, { conn });
  await conn.flush();
  const heard = String(output.read() ?? '').split('\r\n');
  return { end, submitted, heard: heard.slice(0, -1) };
}

test('a name and a password are submitted, and nothing is said or read after', async () => {
  expect(await talk('USER joe', 'pass a  b ', 'NOOP')).toEqual({
    end: 'stop',
    submitted: [['joe', 'a  b ']],
    heard: ['+OK '],
  });
});

test('USER may be said again; PASS needs it; neither may be empty', async () => {
  const { heard, submitted } = await talk('PASS x', 'USER', 'USER a', 'USER b', 'PASS', 'PASS x');
  expect(heard).toEqual([
    '-ERR USER first',
    '-ERR syntax error',
    '+OK ',
    '+OK ',
    '-ERR syntax error',
  ]);
  expect(submitted).toEqual([['b', 'x']]);
});

test('NOOP, CAPA, QUIT, a row of the server itself, and anything else', async () => {
  const { end, heard } = await talk('NOOP', 'CAPA', 'XTRA', 'STAT', 'QUIT');
  expect(end).toBe('stop');
  expect(heard.slice(0, 3)).toEqual(['+OK ', '+OK capability list follows', 'USER']);
  expect(heard.slice(-4)).toEqual(['.', '+OK extra', '-ERR authorization first', '+OK ']);
});
