// MAIL and RCPT: RFC 5321, 4.1.1.2 and 4.1.1.3; SIZE is RFC 1870, BODY is RFC 6152.

import { parsePathAndParameters } from '@q/address';
import { asciiEqual } from '@q/bytes';
import { isForUs } from '@q/control';
import { RECIPIENTS_MAX } from './limits.ts';
import { isBadSender, withLocalName } from './policy.ts';
import { REPLY } from './replies.ts';
import { reply, type State, type Transaction } from './state.ts';

/** Begins a transaction; one that had begun is forgotten. HELO need not have come. */
export function mail(state: State, argument: string): 'next' {
  state.transaction = undefined;
  const path = parsePathAndParameters(argument);
  if (path === undefined) return reply(state, REPLY.syntax);
  const refusal = parameterRefusal(path.parameters, state);
  if (refusal !== undefined) return reply(state, refusal);
  const sender = withLocalName(path.address, state.config.localIpHost);
  state.transaction = { sender, recipients: [] };
  return reply(state, REPLY.ok);
}

/** Adds a recipient. A sender in badmailfrom is told so here, not at MAIL. */
export function rcpt(state: State, argument: string): 'next' {
  const { config, transaction } = state;
  if (transaction === undefined) return reply(state, REPLY.mailFirst);
  const path = parsePathAndParameters(argument);
  if (path === undefined) return reply(state, REPLY.syntax);
  const recipient = withLocalName(path.address, config.localIpHost);
  const refusal = recipientRefusal(state, transaction, recipient);
  if (refusal !== undefined) return reply(state, refusal);
  transaction.recipients.push(recipient + (config.relayClient ?? ''));
  return reply(state, REPLY.ok);
}

function recipientRefusal(
  { config, moreHosts }: State,
  { sender, recipients }: Transaction,
  recipient: string,
): string | undefined {
  if (isBadSender(sender, config.badMailFrom)) return REPLY.badMailFrom;
  if (config.relayClient === undefined) {
    const ours = isForUs(recipient, config.rcptHosts, (key) => moreHosts.has(key));
    if (!ours) return REPLY.notMine;
  }
  return recipients.length < RECIPIENTS_MAX ? undefined : REPLY.tooManyRecipients;
}

/** A message announced as too big is refused before it is sent; parameters we do not know are passed over, as in qmail. */
function parameterRefusal(parameters: readonly string[], { config }: State): string | undefined {
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    const value = equals < 0 ? '' : parameter.slice(equals + 1);
    if (asciiEqual(name, 'SIZE')) {
      if (!/^[0-9]{1,20}$/.test(value)) return REPLY.syntax;
      if (config.databytes > 0 && Number(value) > config.databytes) return REPLY.tooBig;
    }
    if (asciiEqual(name, 'BODY') && !['7BIT', '8BITMIME'].some((body) => asciiEqual(value, body))) {
      return REPLY.syntax;
    }
  }
  return undefined;
}
