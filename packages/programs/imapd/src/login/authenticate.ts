// AUTHENTICATE (RFC 9051, section 6.2.2; SASL-IR: RFC 4959).
//
//   C: a AUTHENTICATE PLAIN                    C: a AUTHENTICATE PLAIN AHRpbQB0YW4=
//   S: + <base64 challenge, or nothing>        S: a OK ...
//   C: <base64 response, or "*" to give up>
//
// A mechanism in which the server proves itself too goes on when the login is found right:
//
//   S: + <base64 proof>
//   C: <an empty line>, or "*" when it is not the server that it takes itself for

import { bytesOf, textOf } from '@q/bytes';
import { refusalReply } from '@q/imap';
import { decodeBase64, mechanismOf, RESPONSE_MAX, type SaslLogin, startExchange } from '@q/sasl';
import type { Reply } from '../session.ts';
import type { ImapDialogue } from './dialogue.ts';

/** Goes through an exchange: the login it ends in, or the answer that the client is to get instead; undefined: nobody is there. */
export async function authenticate(
  dialogue: ImapDialogue,
  name: string,
  initial: string | undefined,
  tag: string,
): Promise<SaslLogin | Reply | undefined> {
  const mechanism = mechanismOf(name, dialogue.mechanisms);
  if (mechanism === undefined) return { status: 'NO', code: 'CANNOT', text: 'Unknown mechanism' };
  const { newStamp, scram } = dialogue.terms;
  const exchange = startExchange(mechanism, newStamp(), scram);
  let response: Buffer | undefined;
  if (initial !== undefined) {
    // "=" is a response that is there, and empty.
    response = initial === '=' ? Buffer.alloc(0) : bytesOfResponse(initial);
    if (response === undefined) return MALFORMED;
  }
  for (;;) {
    const step = exchange(response);
    if (step.is === 'login') return step.login;
    if (step.is === 'malformed') return MALFORMED;
    const line = await ask(dialogue, step.text, tag);
    if (typeof line !== 'string') return line;
    if (line === '*') return GIVEN_UP;
    response = bytesOfResponse(line);
    if (response === undefined) return MALFORMED;
  }
}

/** Shows the client the server's proof: true when it takes it, else the answer that it is to get; undefined: nobody is there. */
export async function confirm(
  dialogue: ImapDialogue,
  proof: string,
  tag: string,
): Promise<true | Reply | undefined> {
  const line = await ask(dialogue, `v=${proof}`, tag);
  if (typeof line !== 'string') return line;
  if (line === '') return true;
  return line === '*' ? GIVEN_UP : MALFORMED;
}

const GIVEN_UP: Reply = { status: 'BAD', text: 'Given up' };

const MALFORMED: Reply = { status: 'BAD', text: 'Malformed response' };

function bytesOfResponse(text: string): Buffer | undefined {
  return text.length > RESPONSE_MAX ? undefined : decodeBase64(text);
}

/** Sends a challenge; the line that answers it. */
async function ask(
  dialogue: ImapDialogue,
  challenge: string,
  tag: string,
): Promise<string | Reply | undefined> {
  dialogue.conn.write(`+ ${bytesOf(challenge).toString('base64')}\r\n`);
  dialogue.reader.expectLine();
  const event = await dialogue.event();
  if (event?.kind === 'line') return textOf(event.bytes);
  if (event?.kind !== 'refused') return undefined;
  if (!event.closing) return MALFORMED;
  dialogue.conn.write(refusalReply(event, tag));
  return undefined;
}
