// ENVELOPE's values out of a message's header (RFC 3501, 7.4.2).

import { parseAddresses } from './address-list.ts';
import type { FieldName, Fields } from './field-collector.ts';
import type { Address, Envelope } from './message.ts';

export function envelopeOf(fields: Fields): Envelope {
  const addresses = (name: FieldName): readonly Address[] | undefined => {
    const field = fields.get(name);
    return field === undefined ? undefined : parseAddresses(field);
  };
  const from = addresses('from');
  return {
    date: fields.get('date'),
    subject: fields.get('subject'),
    from,
    sender: addresses('sender') ?? from,
    replyTo: addresses('reply-to') ?? from,
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    inReplyTo: fields.get('in-reply-to'),
    messageId: fields.get('message-id'),
  };
}
