// ENVELOPE, BODY and BODYSTRUCTURE as text (RFC 9051, section 7.5.2), from a parsed message.

import type {
  Address,
  Disposition,
  Envelope,
  LeafPart,
  MessagePart,
  Parameters,
  Part,
} from '@q/mime';
import { type WireMode, wireNstring, wireString } from './wire-string.ts';

/**
 *     envelope = "(" date SP subject SP from SP sender SP reply-to SP to SP cc SP bcc SP in-reply-to SP message-id ")"
 */
export function envelopeText(envelope: Envelope, mode: WireMode): string {
  const { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId } = envelope;
  const lists = [from, sender, replyTo, to, cc, bcc].map((list) => addressList(list, mode));
  const fields = [
    wireNstring(date, mode),
    wireNstring(subject, mode),
    ...lists,
    wireNstring(inReplyTo, mode),
    wireNstring(messageId, mode),
  ];
  return `(${fields.join(' ')})`;
}

/** "(" 1*address ")" / "NIL"; address = "(" name SP adl SP mailbox SP host ")" */
function addressList(list: readonly Address[] | undefined, mode: WireMode): string {
  if (list === undefined || list.length === 0) return 'NIL';
  const one = ({ name, route, mailbox, host }: Address) =>
    `(${[name, route, mailbox, host].map((text) => wireNstring(text, mode)).join(' ')})`;
  return `(${list.map(one).join('')})`;
}

/**
 * body = "(" (body-type-1part / body-type-mpart) ")". `extended`: BODYSTRUCTURE, with extension data; without it BODY.
 * Recursion is as deep as the parser lets parts nest.
 */
export function structureText(part: Part, extended: boolean, mode: WireMode): string {
  switch (part.kind) {
    case 'multipart': {
      const parts = part.parts.map((one) => structureText(one, extended, mode)).join('');
      const fields = [`${parts} ${mediaText(part.subtype, mode)}`];
      if (extended)
        fields.push(parameterList(part.parameters, mode), ...commonExtension(part, mode));
      return `(${fields.join(' ')})`;
    }
    case 'leaf':
    case 'message':
      return singleText(part, extended, mode);
  }
}

/**
 *     body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]
 *     body-fields     = param SP id SP description SP encoding SP octets
 */
function singleText(part: LeafPart | MessagePart, extended: boolean, mode: WireMode): string {
  const { body } = part;
  const fields = [
    mediaText(part.type, mode),
    mediaText(part.subtype, mode),
    parameterList(part.parameters, mode),
    wireNstring(part.id, mode),
    wireNstring(part.description, mode),
    mediaText(part.encoding, mode),
    `${body.crlfEnd - body.crlfStart}`,
  ];
  if (part.kind === 'message') {
    const { envelope } = part.message;
    fields.push(
      envelope === undefined ? NO_ENVELOPE : envelopeText(envelope, mode),
      structureText(part.message, extended, mode),
      `${body.lines}`,
    );
  } else if (part.type === 'text') fields.push(`${body.lines}`);
  if (extended) fields.push(wireNstring(part.md5, mode), ...commonExtension(part, mode));
  return `(${fields.join(' ')})`;
}

const NO_ENVELOPE = `(${Array(10).fill('NIL').join(' ')})`;

/** Types, subtypes and encodings are the same in any case; clients know them in capitals from other servers. */
function mediaText(text: string, mode: WireMode): string {
  return wireString(
    text.replace(/[a-z]+/g, (run) => run.toUpperCase()),
    mode,
  );
}

/** body-fld-dsp SP body-fld-lang SP body-fld-loc */
function commonExtension(part: Part, mode: WireMode): string[] {
  const languages = part.languages.map((language) => wireString(language, mode));
  return [
    dispositionText(part.disposition, mode),
    languages.length === 0 ? 'NIL' : `(${languages.join(' ')})`,
    wireNstring(part.location, mode),
  ];
}

function dispositionText(disposition: Disposition | undefined, mode: WireMode): string {
  if (disposition === undefined) return 'NIL';
  return `(${wireString(disposition.type, mode)} ${parameterList(disposition.parameters, mode)})`;
}

/** body-fld-param = "(" string SP string *(SP string SP string) ")" / "NIL" */
function parameterList(parameters: Parameters, mode: WireMode): string {
  if (parameters.length === 0) return 'NIL';
  return `(${parameters.flatMap((pair) => pair.map((text) => wireString(text, mode))).join(' ')})`;
}
