// An SMTP server that says what a script tells it to, and remembers what it heard, for tests.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/**
 * What to answer to a command, by its beginning; 'greeting' comes first, 'message' answers the data.
 * "" answers nothing, "close" hangs up, and so does what ends in "+close", after its answer.
 */
export type Script = Readonly<Record<string, Answer>>;

type Answer = string | ((nth: Nth) => string);

/** How many commands with that beginning there have been, this one included. */
interface Nth {
  readonly inConnection: number;
  /** Since the last MAIL. */
  readonly inTransaction: number;
}

const POLITE: Script = {
  greeting: '220 mx.example ESMTP',
  EHLO: '250-mx.example\r\n250-SIZE 1000000\r\n250 8BITMIME',
  HELO: '250 mx.example',
  MAIL: '250 ok',
  RCPT: '250 ok',
  DATA: '354 go ahead',
  message: '250 ok 123 qp 456',
  RSET: '250 ok',
  QUIT: '221 bye',
};

export interface MailServer {
  readonly port: number;
  /** Command lines of all connections, in order. */
  readonly heard: string[];
  /** The data of all messages, as it came, without the final dot line. */
  readonly messages: string[];
  /** What came in one piece each, of all connections. */
  readonly writes: string[];
  connections(): number;
  /** The addresses the connections came from. */
  peers(): readonly (string | undefined)[];
  /** Connections that are open. */
  active(): number;
  close(): void;
}

/** Listens on `host`, at any free port or at `port`. `script` replaces the polite answers. */
export async function startMailServer(
  script: Script = {},
  host = '127.0.0.1',
  port = 0,
): Promise<MailServer> {
  const answers = { ...POLITE, ...script };
  const heard: string[] = [];
  const messages: string[] = [];
  const sockets = new Set<Socket>();
  const writes: string[] = [];
  const peers: (string | undefined)[] = [];
  const server = createServer((socket) => {
    peers.push(socket.remoteAddress);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => writes.push(chunk.toString('latin1')));
    converse(socket, answers, heard, messages);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    messages,
    writes,
    connections: () => peers.length,
    peers: () => peers,
    active: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function converse(socket: Socket, answers: Script, heard: string[], messages: string[]): void {
  let held = '';
  let inData = false;
  const asked = counters();
  const say = (name: string, answer: Answer = '502 what?'): string => {
    const nth = asked(name);
    const reply = typeof answer === 'string' ? answer : answer(nth);
    const last = reply.endsWith('+close');
    if (reply === 'close') socket.destroy();
    else if (last) socket.end(`${reply.slice(0, -'+close'.length)}\r\n`, 'latin1');
    else if (reply !== '') socket.write(`${reply}\r\n`, 'latin1');
    return reply;
  };
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    held += chunk.toString('latin1');
    for (;;) {
      const end = inData ? held.indexOf('\r\n.\r\n') : held.indexOf('\r\n');
      if (end < 0) return;
      const text = held.slice(0, end + (inData ? 2 : 0));
      held = held.slice(end + (inData ? 5 : 2));
      if (inData) {
        messages.push(text);
        inData = false;
        say('message', answers.message);
        continue;
      }
      heard.push(text);
      const verb = text.slice(0, 4).toUpperCase();
      const reply = say(verb, answers[text] ?? answers[verb]);
      if (text === 'DATA' && reply.startsWith('3')) inData = true;
      if (text === 'QUIT') socket.end();
    }
  });
  say('greeting', answers.greeting);
}

function counters(): (name: string) => Nth {
  const all = new Map<string, number>();
  let since = new Map<string, number>();
  const count = (map: Map<string, number>, name: string) => {
    const n = (map.get(name) ?? 0) + 1;
    map.set(name, n);
    return n;
  };
  return (name) => {
    if (name === 'MAIL') since = new Map();
    return { inConnection: count(all, name), inTransaction: count(since, name) };
  };
}
