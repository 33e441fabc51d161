import { X509Certificate } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Permanent } from '@q/fault';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ClientCertificates, type KeyPair, ServerContexts } from './index.ts';
import { type Authority, hasOpenssl, makeAuthority, makeCertificate } from './testing/index.ts';

/** What came of a handshake on the server's side. */
type Outcome = { readonly shown: readonly Buffer[]; readonly reused: boolean } | Error;

describe.runIf(hasOpenssl)('a server that asks for certificates (needs openssl)', () => {
  let ours: Authority;
  let own: KeyPair;
  beforeAll(() => {
    ours = makeAuthority();
    own = makeCertificate('mail.example');
  });

  let server: Server;
  let contexts: ServerContexts;
  let tell: (outcome: Outcome) => void;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      contexts.secure(socket).then(
        (tls) => {
          const { certificates } = tls;
          const reused = (tls as unknown as { isSessionReused(): boolean }).isSessionReused();
          // Behind it the client has its tickets, if there are any.
          tls.write('hello', () => tell({ shown: certificates, reused }));
        },
        (error: Error) => tell(error),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const asking = (required: boolean, trusted = [ours.cert]) =>
    new ServerContexts(
      { standard: own, byName: { 'shop.example': own } },
      new ClientCertificates({ trusted, required, nameIn: '2.5.4.3' }),
    );

  /** One handshake; with `keep`, `session` is what the client could take up again. */
  async function shake(options: ConnectionOptions, keep = false) {
    const over = new Promise<Outcome>((resolve) => {
      tell = resolve;
    });
    const { port } = server.address() as { port: number };
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    const client = connectTls({ socket, rejectUnauthorized: false, ...options });
    const session = new Promise<Buffer>((resolve) => client.once('session', resolve));
    client.on('error', () => {});
    const heard = new Promise((resolve) => {
      client.once('data', resolve);
      client.once('close', resolve);
    });
    const outcome = await over;
    if (!(outcome instanceof Error)) await heard;
    const ticket = keep ? await session : undefined;
    client.destroy();
    return { outcome, session: ticket };
  }

  const der = (pem: string) => new X509Certificate(pem).raw;

  test('is shown the chain as the client has it, and judges it, under whatever name it was asked for', async () => {
    contexts = asking(false);
    const middle = ours.issueAuthority('/CN=Middle');
    const joe = middle.issue('/CN=joe');
    for (const servername of ['mail.example', 'shop.example']) {
      const cert = joe.cert + middle.cert;
      const { outcome } = await shake({ cert, key: joe.key, servername });
      expect(outcome).toMatchObject({ shown: [der(joe.cert), der(middle.cert)] });
    }
  });

  test('lets a client go on without one, unless each must have one', async () => {
    contexts = asking(false);
    expect((await shake({})).outcome).toMatchObject({ shown: [] });
    contexts = asking(true);
    expect((await shake({})).outcome).toBeInstanceOf(Error);
    const joe = ours.issue('/CN=joe');
    expect((await shake(joe)).outcome).toMatchObject({ shown: [der(joe.cert)] });
  });

  test('sends away whose certificate is not good, and says why', async () => {
    const foreign = makeAuthority('/CN=Elsewhere');
    const wrong = [
      [foreign.issue('/CN=joe'), /issuer is not trusted/],
      [foreign, /not for signatures/],
      [ours.issue('/CN=joe', { days: -1 }), /expired/],
      [ours.issue('/CN=joe', { extensions: 'extendedKeyUsage=serverAuth\n' }), /not for clients/],
    ] as const;
    for (const required of [false, true]) {
      contexts = asking(required);
      for (const [{ cert, key }, why] of wrong) {
        const { outcome } = await shake({ cert, key });
        expect(outcome).toBeInstanceOf(Permanent);
        expect((outcome as Error).message).toMatch(why);
      }
    }
  });

  test('hears OpenSSL too: a CA in between is no root', async () => {
    const middle = ours.issueAuthority('/CN=Middle');
    contexts = asking(false, [middle.cert]);
    const { outcome } = await shake(middle.issue('/CN=joe'));
    expect((outcome as Error).message).toMatch(/refused: UNABLE_TO_GET_ISSUER_CERT/);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'takes up no session again in %s: the certificate is seen each time',
    async (maxVersion) => {
      contexts = asking(false);
      const joe = { ...ours.issue('/CN=joe'), maxVersion };
      const { session } = await shake(joe, true);
      const second = await shake({ ...joe, session });
      expect(second.outcome).toEqual({ shown: [der(joe.cert)], reused: false });
    },
  );

  test('trusts another CA once it is told so', async () => {
    contexts = asking(false);
    const other = makeAuthority('/CN=Other');
    const joe = other.issue('/CN=joe');
    expect((await shake(joe)).outcome).toBeInstanceOf(Permanent);
    const set = { trusted: [other.cert], required: false, nameIn: undefined };
    contexts.replace({ standard: own, byName: {} }, new ClientCertificates(set));
    expect((await shake(joe)).outcome).toMatchObject({ shown: [der(joe.cert)] });
    contexts.replace({ standard: own, byName: {} });
    expect((await shake(joe)).outcome).toMatchObject({ shown: [] });
  });
});
