import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { askIdent, userIn } from './ident.ts';

let server: Server | undefined;
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
  server = undefined;
});

/** An ident server that says `words` when it has heard a line; resolves with its port and what it heard. */
async function startIdent(words: string | undefined) {
  const heard: string[] = [];
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard.push(chunk.toString());
      if (words !== undefined) socket.end(words);
    });
  });
  await new Promise<void>((ready) => server?.listen(0, '127.0.0.1', ready));
  return { port: (server.address() as { port: number }).port, heard };
}

const QUESTION = { localIp: '127.0.0.1', localPort: 25, remoteIp: '127.0.0.1', remotePort: 40_000 };

test("the user is asked for by the two ports of the connection, the client's first", async () => {
  const { port, heard } = await startIdent('40000, 25 : USERID : UNIX : joe\r\n');
  expect(await askIdent(QUESTION, 30, port)).toBe('joe');
  expect(heard).toEqual(['40000 , 25\r\n']);
});

test('a server that is silent, absent, or says too much, is no answer', async () => {
  const silent = await startIdent(undefined);
  expect(await askIdent(QUESTION, 0.3, silent.port)).toBeUndefined();
  server?.close();
  const absent = silent.port;
  for (const socket of sockets) socket.destroy();
  expect(await askIdent(QUESTION, 30, absent)).toBeUndefined();
  const flood = await startIdent('x'.repeat(100_000));
  expect(await askIdent(QUESTION, 30, flood.port)).toBeUndefined();
});

test.each([
  ['6193, 23 : USERID : UNIX : joe', 'joe'],
  ['6193,23:USERID:OTHER,US-ASCII:joe user: x', 'joe user: x'],
  ['6193, 23 : ERROR : NO-USER', undefined],
  ['6193, 23 : USERID : UNIX : ', undefined],
  ['6193, 23 : USERID : UNIX', undefined],
  ['USERID : UNIX : joe', undefined],
  ['', undefined],
  ['1,2:USERID:UNIX:a\0b\x1b\xe9', 'a?b??'],
])('of the answer "%s" the user is %s', (line, user) => {
  expect(userIn(line)).toBe(user);
});

test('a name has at most 255 bytes', () => {
  expect(userIn(`1,2:USERID:UNIX:${'x'.repeat(900)}`)).toBe('x'.repeat(255));
});
