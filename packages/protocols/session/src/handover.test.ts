import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type Conn, connOf, Disconnected, heldSocketOf, socketOfHeld } from './index.ts';

const open: { destroy(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.destroy();
});

/** A client socket and the server's Conn at its other end. */
async function pair(): Promise<{ client: Socket; conn: Conn }> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const client = connect(port, '127.0.0.1');
  const socket = await accepted;
  server.close();
  open.push(client, socket);
  return { client, conn: connOf(socket, socket) };
}

test('a connection handed over keeps every byte: those read before, and those that come later', async () => {
  const { client, conn } = await pair();
  client.write('PASS x\r\nSTAT\r\nLI');
  expect(String(await conn.readLine(100))).toBe('PASS x');
  conn.write('+OK before\r\n');
  const { held, rest } = await conn.handOver();
  expect(String(rest)).toBe('STAT\r\nLI');
  client.write('ST\r\nQUIT\r\n');

  const socket = socketOfHeld(heldSocketOf(held.handle) as typeof held);
  open.push(socket);
  const next = connOf(socket, socket);
  next.unread(rest);
  const lines: string[] = [];
  for (let i = 0; i < 3; i++) lines.push(String(await next.readLine(100)));
  expect(lines).toEqual(['STAT', 'LIST', 'QUIT']);
  next.write('+OK after\r\n');
  await next.close();
  const answers: Buffer[] = [];
  for await (const chunk of client) answers.push(chunk);
  expect(Buffer.concat(answers).toString()).toBe('+OK before\r\n+OK after\r\n');
});

test('closing the Conn after a handover leaves the socket alone', async () => {
  const { client, conn } = await pair();
  const { held } = await conn.handOver();
  await conn.close();
  const socket = socketOfHeld(held);
  open.push(socket);
  socket.write('still here');
  const first = await new Promise((resolve) => client.once('data', resolve));
  expect(String(first)).toBe('still here');
});

test('a connection that is gone cannot be handed over', async () => {
  const { conn } = await pair();
  conn.destroy();
  await expect(conn.handOver()).rejects.toBeInstanceOf(Disconnected);
  expect(heldSocketOf(undefined)).toBeUndefined();
  expect(heldSocketOf({})).toBeUndefined();
});
