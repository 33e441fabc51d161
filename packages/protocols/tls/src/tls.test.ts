import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Conn, Disconnected, listen } from '@q/session';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeyFiles, ServerContexts } from './index.ts';
import { hasOpenssl, makeCertificate } from './testing/index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keys-'));
});
afterEach(() => rmSync(dir, { recursive: true }));
const put = (name: string, text: string) => writeFileSync(join(dir, name), text);

describe('a host’s certificates', () => {
  test('are not there without servercert.pem', () => {
    put('serverkey.pem', 'k');
    expect(new KeyFiles(dir).there).toBe(false);
    expect(() => new KeyFiles(dir).read()).toThrow('unable to read');
  });

  test('have their key in the same file, or in one of its own; other names have others', () => {
    put('servercert.pem', 'both');
    expect(new KeyFiles(dir).read()).toEqual({
      standard: { cert: 'both', key: 'both' },
      byName: {},
    });
    put('serverkey.pem', 'key');
    put('servercert.pem.Shop.example', 'shop');
    put('serverkey.pem.Shop.example', 'shopkey');
    put('servercert.pem.bad name', 'x');
    expect(new KeyFiles(dir).read()).toEqual({
      standard: { cert: 'both', key: 'key' },
      byName: { 'shop.example': { cert: 'shop', key: 'shopkey' } },
    });
  });

  test('have changed when a file was written, came or went', () => {
    put('servercert.pem', 'one');
    const files = new KeyFiles(dir);
    files.read();
    expect(files.changed).toBe(false);
    put('servercert.pem', 'other');
    expect(files.changed).toBe(true);
    files.read();
    put('servercert.pem.a.example', 'a');
    expect(files.changed).toBe(true);
    files.read();
    rmSync(join(dir, 'servercert.pem.a.example'));
    expect(files.changed).toBe(true);
  });

  test('that are none are said to be so by name', () => {
    const pair = { cert: 'x', key: 'x' };
    expect(() => new ServerContexts({ standard: pair, byName: {} })).toThrow('servercert.pem:');
  });
});

describe.runIf(hasOpenssl)('a server with certificates (needs openssl)', () => {
  const keys = () => ({
    standard: makeCertificate('mail.example'),
    byName: {
      'shop.example': makeCertificate('shop.example'),
      '_.wild.example': makeCertificate('wild'),
    },
  });

  /** Runs `session` on a port, where connections are encrypted from the first byte if `direct`. */
  async function serve(
    session: (conn: Conn) => Promise<void>,
    contexts: ServerContexts,
    direct: boolean,
  ) {
    const where = ['127.0.0.1:0'];
    const listener = await listen(session, {
      addresses: direct ? [] : where,
      ...(direct && { tls: { addresses: where, secure: contexts.secure } }),
      log: () => {},
      graceSeconds: 1,
    });
    const port = Number(listener.addresses[0]?.split(':')[1]);
    return { port, close: () => listener.close() };
  }

  async function echo(conn: Conn): Promise<void> {
    for (let line = await conn.readLine(100); line !== undefined; line = await conn.readLine(100))
      conn.write(`${conn.secure} ${line.toString()}\n`);
  }

  /** The names in the certificate that a client gets who asks for `servername`. */
  async function nameFor(port: number, servername: string): Promise<string> {
    const client = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
    await once(client, 'secureConnect');
    const name = client.getPeerCertificate().subject.CN;
    client.destroy();
    return name as string;
  }

  test('shows a client the certificate of the name it asks for', async () => {
    const contexts = new ServerContexts(keys());
    const server = await serve(echo, contexts, true);
    expect(await nameFor(server.port, 'shop.example')).toBe('shop.example');
    expect(await nameFor(server.port, 'SHOP.example')).toBe('shop.example');
    expect(await nameFor(server.port, 'x.wild.example')).toBe('wild');
    expect(await nameFor(server.port, 'else.example')).toBe('mail.example');
    contexts.replace({ ...keys(), standard: makeCertificate('renewed.example') });
    expect(await nameFor(server.port, 'else.example')).toBe('renewed.example');
    await server.close();
  });

  test('throws away what came in clear before the handshake, and goes on encrypted', async () => {
    const contexts = new ServerContexts(keys());
    const server = await serve(
      async (conn) => {
        await conn.readLine(100);
        conn.write('begin\n');
        await conn.upgrade(contexts.secure);
        await echo(conn);
      },
      contexts,
      false,
    );
    const plain = connect(server.port, '127.0.0.1');
    plain.write('STLS\ninjected\n');
    expect(await heard(plain, '\n')).toBe('begin\n');
    const client = connectTls({ socket: plain, rejectUnauthorized: false });
    client.write('hello\n');
    expect(await heard(client, '\n')).toBe('true hello\n');
    client.end();
    await once(client, 'close');
    await server.close();
  });

  test('ends the connection of a client that cannot do it', async () => {
    const contexts = new ServerContexts(keys());
    const ends: unknown[] = [];
    const server = await serve(
      async (conn) => {
        await conn.upgrade(contexts.secure).catch((error: unknown) => ends.push(error));
      },
      contexts,
      false,
    );
    const talks = connect(server.port, '127.0.0.1');
    talks.resume();
    talks.write('USER joe\r\n'.repeat(100));
    await once(talks, 'close');
    const leaves = connect(server.port, '127.0.0.1');
    leaves.resume();
    leaves.end();
    await once(leaves, 'close');
    expect(ends).toHaveLength(2);
    for (const end of ends) expect(end).toBeInstanceOf(Disconnected);
    await server.close();
  });
});

function once(stream: Socket | TLSSocket, event: string): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => {});
    stream.once(event, () => resolve());
  });
}

function heard(stream: Socket | TLSSocket, end: string): Promise<string> {
  return new Promise((resolve) => {
    let got = '';
    const onData = (chunk: Buffer) => {
      got += chunk.toString();
      if (!got.endsWith(end)) return;
      stream.off('data', onData);
      stream.pause();
      resolve(got);
    };
    stream.on('data', onData);
    stream.resume();
  });
}
