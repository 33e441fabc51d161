// A name server on loopback that answers from a table, for tests: enough of RFC 1035 for MX, A and AAAA.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

export interface Zone {
  /** Addresses, IPv4 and IPv6 mixed. */
  readonly addresses?: readonly string[];
  readonly mx?: readonly (readonly [preference: number, host: string])[];
  /** An answer of that code instead: 2 server failure, 5 refused. */
  readonly failure?: number;
}

const TYPE = { A: 1, MX: 15, AAAA: 28 } as const;
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
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, peer) => {
    const { name, type, end } = questionOf(query);
    asked.push(`${type} ${name}`);
    socket.send(answer(query.subarray(0, end), type, zones[name]), peer.port, peer.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${(socket as Socket).address().port}`,
    asked,
    close: () => socket.close(),
  };
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

function answer(question: Buffer, type: number, zone: Zone | undefined): Buffer {
  const records = recordsOf(type, zone);
  const head = Buffer.from(question);
  const code = zone === undefined ? NAME_ERROR : (zone.failure ?? 0);
  head.writeUInt16BE(0x8580 | code, 2);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8); // no other sections
  return Buffer.concat([head, ...records.map((data) => record(type, data))]);
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

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0); // the name of the question
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
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
