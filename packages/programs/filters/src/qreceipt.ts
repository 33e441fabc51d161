// qreceipt(1): tells a sender who asked for it that the message has been delivered.

import { quoteAddress } from '@q/address';
import { bytesOf } from '@q/bytes';
import { Permanent } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { EXIT } from './exit-codes.ts';
import { addressesOf, readHeader } from './header.ts';
import { report } from './report.ts';
import { enqueue } from './requeue.ts';

/**
 * Argument: the address that a Notice-Requested-Upon-Delivery-To field must have, byte for byte. 0, with
 * or without a notice. Throws a fault when the notice cannot be queued.
 */
export async function qreceiptMain({ args, env }: Invocation): Promise<number> {
  const target = mailText(args[0] ?? '');
  if (env.SENDER === undefined) {
    report('qreceipt: usage: qreceipt deliveryaddress');
    return EXIT.PERMANENT;
  }
  const sender = mailText(env.SENDER);
  let wanted = false;
  let messageId = '';
  await readHeader((field, text) => {
    if (field.key === 'message-id') messageId = text;
    else if (field.key === 'notice-requested-upon-delivery-to')
      wanted ||= addressesOf(field).includes(target);
  });
  // A bounce is never answered.
  if (!wanted || sender === '' || sender === '#@[]') return EXIT.OK;
  const notice = bytesOf(noticeText(sender, target, messageId));
  try {
    await enqueue(env, '', [sender], (writer) => writer.write(notice));
  } catch (error) {
    const what = error instanceof Permanent ? 'permanent' : 'temporary';
    report(`qreceipt: fatal: ${what} qmail-queue error`);
    return error instanceof Permanent ? EXIT.PERMANENT : EXIT.TEMPORARY;
  }
  return EXIT.OK;
}

/** `messageId` is the whole field, with its LF. */
function noticeText(sender: string, target: string, messageId: string): string {
  // A line end in an address must not begin another header field.
  const to = quoteAddress(sender).replaceAll('\n', '_');
  return `From: DELIVERY NOTICE SYSTEM <${to}>
To: <${to}>
Subject: success notice

Hi! This is the qreceipt program. Your message was delivered to the
following address: ${target}. Thanks for asking.
${messageId === '' ? '' : `Your ${messageId}`}`;
}
