// qmail-qmqpc(8): a qmail-queue that keeps nothing here. Message on fd 0, envelope on fd 1, and a server of
// control/qmqpservers has it before we exit 0.

import { accessSync, constants } from 'node:fs';
import { EnvelopeDecoder } from '@q/address';
import { bytesOf, encodeNetstring } from '@q/bytes';
import { openControl, qmailHome } from '@q/control';
import { faultOf, Permanent, Temporary } from '@q/fault';
import { exitNow } from '@q/posix';
import type { Invocation } from '@q/proc';
import { MESSAGE_MAX, qmqpRequest } from '@q/qmtp';
import { QUEUE_ALARM } from '@q/queue-files';
import {
  type EnvelopeAwareSink,
  type Queued,
  QueueExit,
  queueDescriptors,
  queueExitOf,
} from '@q/queue-socket';
import { KeptMessage } from './kept-message.ts';
import { ADDRESSES_MAX } from './limits.ts';
import { offer, type Request } from './qmqp-client.ts';
import { parseQmqpServer, type QmqpServer } from './qmqp-servers.ts';

/** Returns qmail-queue's exit code; nothing is written to fd 2, which may be anybody's. */
export async function qmqpcMain({ env }: Invocation): Promise<number> {
  setTimeout(() => exitNow(QueueExit.TIMEOUT), QUEUE_ALARM * 1000).unref();
  try {
    const servers = readServers(qmailHome(env));
    await queueDescriptors(new RemoteSink(servers, env.TMPDIR || '/tmp'));
    return QueueExit.QUEUED;
  } catch (error) {
    return queueExitOf(error);
  }
}

/** At least one. Throws Temporary with exit code 61 or 55. */
function readServers(home: string): QmqpServer[] {
  try {
    accessSync(home, constants.X_OK);
  } catch (error) {
    const { message } = faultOf(error, 'unable to go home');
    throw new Temporary(message, { cause: error, exitCode: QueueExit.NO_HOME });
  }
  const exitCode = QueueExit.NO_CONFIGURATION;
  try {
    const servers = (openControl(home).list('qmqpservers') ?? []).flatMap(
      (line) => parseQmqpServer(line) ?? [],
    );
    if (servers.length === 0) throw new Temporary('no server in control/qmqpservers');
    return servers;
  } catch (error) {
    const { message } = faultOf(error, 'unable to read control/qmqpservers');
    throw new Temporary(message, { cause: error, exitCode });
  }
}

/** Takes what qmail-queue takes, and commits it to the first server that will have it. */
class RemoteSink implements EnvelopeAwareSink {
  readonly #servers: readonly QmqpServer[];
  readonly #message: KeptMessage;
  readonly #envelope: EnvelopeDecoder;
  #addresses: Buffer[] = [];
  #addressBytes = 0;

  constructor(servers: readonly QmqpServer[], directory: string) {
    this.#servers = servers;
    this.#message = new KeptMessage(directory);
    const add = (address: string) => this.#add(encodeNetstring(bytesOf(address)));
    this.#envelope = new EnvelopeDecoder({ sender: add, recipient: add });
  }

  get envelopeDone(): boolean {
    return this.#envelope.done;
  }

  async write(bytes: Buffer): Promise<void> {
    await this.#message.write(bytes);
    if (this.#message.size > MESSAGE_MAX) throw tooLarge();
  }

  async endMessage(): Promise<void> {}

  async writeEnvelope(bytes: Buffer): Promise<void> {
    this.#envelope.push(bytes);
  }

  /** Throws a fault with the exit code that the last server has brought about. */
  async commit(): Promise<Queued> {
    this.#envelope.finish();
    const request = this.#request();
    let code: number = QueueExit.NO_CONFIGURATION;
    for (const server of this.#servers) {
      code = await offer(server, request);
      if (code === QueueExit.QUEUED || code === QueueExit.REFUSED) break;
    }
    if (code === QueueExit.REFUSED)
      throw new Permanent('a server refuses the message', { exitCode: code });
    if (code !== QueueExit.QUEUED) throw new Temporary('no server took it', { exitCode: code });
    await this.#message.close();
    return { number: '', qp: '' };
  }

  async abort(): Promise<void> {
    await this.#message.close();
  }

  #request(): Request {
    const message = this.#message;
    const { head, tail, length } = qmqpRequest(message.size, Buffer.concat(this.#addresses));
    if (length > MESSAGE_MAX) throw tooLarge();
    return async function* () {
      yield head;
      yield* message.chunks();
      yield tail;
    };
  }

  #add(address: Buffer): void {
    this.#addressBytes += address.length;
    if (this.#addressBytes > ADDRESSES_MAX)
      throw new Temporary('too many recipients', { exitCode: QueueExit.NO_MEMORY });
    this.#addresses.push(address);
  }
}

/** No server would read more, now or later. */
function tooLarge(): Permanent {
  return new Permanent('message too large for QMQP', { exitCode: QueueExit.REFUSED });
}
