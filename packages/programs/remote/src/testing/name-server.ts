// A name server on loopback that answers from a table, for tests: enough of RFC 1035 for MX,
// A, AAAA and CNAME.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv4, type Server } from 'node:net';

export interface Zone {
  /** Addresses, IPv4 and IPv6 mixed. */
  readonly addresses?: readonly string[];
  readonly mx?: readonly (readonly [preference: number, host: string])[];
  /** An answer of that code instead: 2 server failure, 5 refused. */
  readonly failure?: number;
  /** Another name of the table, whose records this one has. */
  readonly cname?: string;
  /** Too much for a datagram: the answer is there over TCP only. */
  readonly long?: boolean;
}

const TYPE = { A: 1, CNAME: 5, MX: 15, AAAA: 28 } as const;
const NAME_ERROR = 3;

export interface NameServer {
  /** "127.0.0.1:PORT", for QMAILDNS. */
  readonly address: string;
  /** Names asked for, each with its type. */
  readonly asked: readonly string[];
  close(): void;
}

/** Serves `zones` (lower case names without the last dot); any other name does not exist. */
export async function startNameServer(zones: Readonly<Record<string, Zone>>): Promise<NameServer> {
  const asked: string[] = [];
  const answerTo = (query: Buffer, by: 'datagram' | 'stream') => {
    const { name, type, end } = questionOf(query);
    asked.push(`${type} ${name}`);
    const question = query.subarray(0, end);
    if (by === 'datagram' && zones[name]?.long === true) return truncated(question);
    return answer(question, type, name, zones);
  };
  const { socket, server } = await listenTwice();
  socket.on('message', (query, peer) => {
    socket.send(answerTo(query, 'datagram'), peer.port, peer.address);
  });
  server.on('connection', (stream) => {
    stream.on('error', () => {});
    stream.on('data', (query) => {
      const reply = answerTo(query.subarray(2), 'stream'); // a question comes in one piece here
      stream.end(Buffer.concat([Buffer.of(reply.length >> 8, reply.length & 255), reply]));
    });
  });
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => {
      socket.close();
      server.close();
    },
  };
}

/** The same port for datagrams and streams; one that is free for both. */
async function listenTwice(): Promise<{ readonly socket: Socket; readonly server: Server }> {
  for (let tries = 0; ; tries++) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = createSocket('udp4');
    try {
      socket.bind((server.address() as AddressInfo).port, '127.0.0.1');
      await once(socket, 'listening');
      return { socket, server };
    } catch (error) {
      socket.close();
      server.close();
      if (tries === 9) throw error;
    }
  }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at++] as number; length > 0; length = query[at++] as number) {
    labels.push(query.toString('latin1', at, at + length));
    at += length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at), end: at + 4 };
}

function answer(
  question: Buffer,
  type: number,
  name: string,
  zones: Readonly<Record<string, Zone>>,
): Buffer {
  const zone = zones[name];
  const target = zone?.cname;
  const records =
    target === undefined
      ? recordsOf(type, zone).map((data) => record(QUESTION, type, data))
      : [
          record(QUESTION, TYPE.CNAME, nameBytes(target)),
          ...recordsOf(type, zones[target]).map((data) => record(nameBytes(target), type, data)),
        ];
  const code = zone === undefined ? NAME_ERROR : (zone.failure ?? 0);
  return Buffer.concat([headed(question, 0x8580 | code, records.length), ...records]);
}

function truncated(question: Buffer): Buffer {
  return headed(question, 0x8780, 0);
}

/** The question with the flags and counts of an answer, and no other sections. */
function headed(question: Buffer, flags: number, answers: number): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(flags, 2);
  head.writeUInt16BE(answers, 6);
  head.writeUInt32BE(0, 8);
  return head;
}

function recordsOf(type: number, zone: Zone | undefined): Buffer[] {
  const addresses = zone?.addresses ?? [];
  if (type === TYPE.A) return addresses.filter((one) => isIPv4(one)).map(ipv4);
  if (type === TYPE.AAAA) return addresses.filter((one) => !isIPv4(one)).map(ipv6);
  if (type !== TYPE.MX) return [];
  return (zone?.mx ?? []).map(([preference, host]) =>
    Buffer.concat([Buffer.of(preference >> 8, preference & 255), nameBytes(host)]),
  );
}

/** A pointer to the name in the question. */
const QUESTION = Buffer.of(0xc0, 0x0c);

function record(name: Buffer, type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, head, data]);
}

function ipv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

/** With at most one "::". */
function ipv6(address: string): Buffer {
  const [before = '', after] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const end = groups(after ?? '');
  const start = groups(before);
  const middle = Array<string>(8 - start.length - end.length).fill('0');
  const bytes = Buffer.alloc(16);
  for (const [i, group] of [...start, ...middle, ...end].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2);
  return bytes;
}

function nameBytes(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
    Buffer.of(0),
  ]);
}
