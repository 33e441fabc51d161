// A message on its way from a client into the queue, whatever the protocol: our Received line on top,
// hops and bytes counted, and one text at the end that says what became of it.

import { HeaderScanner, HOPS_MAX, receivedFrom } from '@q/message';
import type { Queue, QueueWriter } from '@q/queue-socket';
import type { Peer } from '@q/session';
import { TEXT, takenText } from './texts.ts';

/** What a server is built on, the same for all connections. */
export interface Services {
  /** QMAILHOME. */
  readonly home: string;
  readonly queue: Queue;
  /** Unix time in seconds. */
  now(): number;
}

/** Begins a message. Throws Temporary when no way into the queue exists now. */
export async function openIntake(
  services: Services,
  peer: Peer,
  protocol: 'QMTP' | 'QMQP',
  sizeLimit = 0,
): Promise<Intake> {
  const writer = await services.queue.open(peer.env);
  const received = receivedFrom({
    remoteHost: peer.remoteHost ?? 'unknown',
    remoteIp: peer.remoteIp,
    remoteInfo: peer.remoteInfo,
    localHost: peer.localHost ?? peer.localIp ?? 'unknown',
    protocol,
    now: services.now(),
  });
  await writer.write(Buffer.from(received, 'latin1'));
  return new Intake(writer, sizeLimit, services);
}

export class Intake {
  readonly #writer: QueueWriter;
  readonly #sizeLimit: number;
  readonly #services: Services;
  readonly #scanner = new HeaderScanner();
  #size = 0;
  #refusal: string | undefined;

  /** `sizeLimit` is in bytes, 0 for any size. */
  constructor(writer: QueueWriter, sizeLimit: number, services: Services) {
    this.#writer = writer;
    this.#sizeLimit = sizeLimit;
    this.#services = services;
  }

  /** The next bytes of the message. After a refusal nothing is kept of them. */
  async write(bytes: Buffer): Promise<void> {
    this.#size += bytes.length;
    this.#scanner.push(bytes);
    this.#refusal ??= this.#contentRefusal();
    if (this.#refusal === undefined) await this.#writer.write(bytes);
    else this.#writer.abort();
  }

  /** Queues the message, and says what became of it. */
  async commit(sender: string, recipients: Iterable<string>): Promise<string> {
    if (this.#refusal !== undefined) return this.#refusal;
    const { code, text, qp } = await this.#writer.commit(sender, recipients);
    return code === 0 && qp !== undefined ? takenText(this.#services.now(), qp) : text;
  }

  /** For an envelope that cannot be taken: nothing is queued; the message's own fault, if it has one, comes first. */
  refuse(text: string): string {
    this.#writer.abort();
    return this.#refusal ?? text;
  }

  /** Gives up; nothing is queued. Does nothing once the message is committed. */
  abort(): void {
    this.#writer.abort();
  }

  #contentRefusal(): string | undefined {
    if (this.#sizeLimit > 0 && this.#size > this.#sizeLimit) return TEXT.tooBig;
    return this.#scanner.hops >= HOPS_MAX ? TEXT.looping : undefined;
  }
}
