// The forwards of one delivery: one message to the queue, with all of them as recipients.

import { bytesOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import { Bounce } from './bounce.ts';
import { messageBytes } from './deliver-message.ts';
import { queueMessage } from './deliver-queue.ts';
import type { DeliveryRequest } from './deliver-request.ts';

/** Throws Bounce when the queue refuses the message for good, Temporary for everything else. */
export async function forwardMessage(
  request: DeliveryRequest,
  recipients: readonly string[],
  root: string,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<void> {
  const { sender } = request;
  const place = { root, env: { ...env, ...senderVariables(sender) } };
  const { code, text } = await queueMessage(place, { sender, recipients, parts: parts(request) });
  if (code === 0) return;
  const reason = `Unable to forward message: ${text.slice(1)}.`;
  throw text.startsWith('D') ? new Bounce(reason) : new Temporary(reason);
}

/** The sender goes on unchanged; the Delivered-To line lets qmail-local see a loop. */
async function* parts(request: DeliveryRequest): AsyncGenerator<Buffer, void, undefined> {
  yield bytesOf(request.deliveredTo);
  yield* messageBytes();
}

/** What qmail-inject and filters in QMAILQUEUE look at: the sender's two halves. */
function senderVariables(sender: string): NodeJS.ProcessEnv {
  const at = sender.indexOf('@');
  if (at <= 0) return {};
  const text = (part: string) => Buffer.from(part, 'latin1').toString('utf8');
  return { QMAILUSER: text(sender.slice(0, at)), QMAILHOST: text(sender.slice(at + 1)) };
}
