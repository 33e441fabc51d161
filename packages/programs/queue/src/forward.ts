// qmail-queue run by someone without rights on the queue: the same bytes, through the queue socket.
// With no server there it fails as a network program would: 56, or 72, 74 (see queue-socket's exit-text).

import { EnvelopeDecoder } from '@q/address';
import { Temporary } from '@q/fault';
import {
  type EnvelopeAwareSink,
  openSocketWriter,
  type Queued,
  QueueExit,
  type QueueResult,
  type RawQueueWriter,
} from '@q/queue-socket';
import { FORWARDED_ENVELOPE_MAX } from './limits.ts';

export class ForwardSink implements EnvelopeAwareSink {
  readonly #writer: RawQueueWriter;
  readonly #decoder = new EnvelopeDecoder({ sender: () => {}, recipient: () => {} });
  #envelope: Buffer[] = [];
  #envelopeBytes = 0;

  constructor(socketPath: string) {
    this.#writer = openSocketWriter(socketPath);
  }

  get envelopeDone(): boolean {
    return this.#decoder.done;
  }

  async write(bytes: Buffer): Promise<void> {
    await this.#writer.write(bytes);
    // The server has refused already (a full disk): its answer is the exit code, and fd 0 is left unread.
    if (this.#writer.failed) throw failure(await this.#writer.commitEnvelope(Buffer.alloc(0)));
  }

  async endMessage(): Promise<void> {}

  async writeEnvelope(bytes: Buffer): Promise<void> {
    this.#decoder.push(bytes);
    this.#envelopeBytes += bytes.length;
    if (this.#envelopeBytes > FORWARDED_ENVELOPE_MAX)
      throw new Temporary('envelope too large to pass on', { exitCode: QueueExit.NO_MEMORY });
    this.#envelope.push(Buffer.from(bytes)); // lent
  }

  async commit(): Promise<Queued> {
    this.#decoder.finish();
    const result = await this.#writer.commitEnvelope(Buffer.concat(this.#envelope));
    if (result.code !== 0) throw failure(result);
    return { number: '', qp: result.qp ?? '' };
  }

  async abort(): Promise<void> {
    this.#writer.abort();
  }
}

function failure(result: QueueResult): Temporary {
  return new Temporary(result.text.slice(1), { exitCode: result.code });
}
