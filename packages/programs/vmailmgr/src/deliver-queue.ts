// A message that a delivery puts into the queue: the forwarded one, an autoresponse.

import { connectQueue, type Queue, type QueueResult } from '@q/queue-socket';

export interface QueuePlace {
  /** The qmail tree. */
  readonly root: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

export interface QueuedMessage {
  /** Envelope, latin1. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** What the queue says. Throws what `parts` throw, and a fault when there is no queue to talk to. */
export async function queueMessage(
  { root, env }: QueuePlace,
  message: QueuedMessage,
): Promise<QueueResult> {
  const queue = connectQueue({ home: root, env, program: 'oneshot' });
  try {
    return await put(queue, message);
  } finally {
    queue.close();
  }
}

async function put(queue: Queue, message: QueuedMessage): Promise<QueueResult> {
  const writer = await queue.open();
  try {
    for await (const part of message.parts) await writer.write(part);
  } catch (error) {
    writer.abort(); // nothing is queued of a message that could not be read whole
    throw error;
  }
  return writer.commit(message.sender, message.recipients);
}
