// The forwards of one delivery: one message to the queue with all of them as recipients.

import { bytesOf } from '@q/bytes';
import { faultOf, Permanent, Temporary } from '@q/fault';
import { connectQueue, type Queue, type QueueResult } from '@q/queue-socket';
import type { MessageFile } from './message-file.ts';

export interface ForwardRequest {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Goes before the message. */
  readonly deliveredTo: string;
}

/** Queues the copies; resolves to the number they are logged under. Throws a fault with qmail-local's text. */
export async function forwardMessage(
  request: ForwardRequest,
  message: MessageFile,
): Promise<QueueResult['qp']> {
  const queue = connectQueue({ home: request.home, env: request.env });
  let result: QueueResult;
  try {
    result = await put(queue, request, message);
  } catch (error) {
    const fault = faultOf(error, 'qq temporary problem');
    const text = `Unable to forward message: ${fault.message}.`;
    const options = { cause: error };
    throw fault instanceof Permanent ? new Permanent(text, options) : new Temporary(text, options);
  } finally {
    queue.close();
  }
  if (result.code === 0) return result.qp;
  const text = `Unable to forward message: ${result.text.slice(1)}.`;
  throw result.text.startsWith('D') ? new Permanent(text) : new Temporary(text);
}

async function put(
  queue: Queue,
  request: ForwardRequest,
  message: MessageFile,
): Promise<QueueResult> {
  const writer = await queue.open();
  try {
    await writer.write(bytesOf(request.deliveredTo));
    for (const chunk of message.chunks()) await writer.write(chunk);
  } catch (error) {
    writer.abort(); // nothing is queued of a message that could not be read whole
    throw error;
  }
  return writer.commit(request.sender, request.recipients);
}
