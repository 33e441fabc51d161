// What qmail-inject makes of an address: a full one, without a route. qmail-header(5).
//
//   joe            joe@DEFAULTHOST          @a,@b:joe@x.y   joe@x.y
//   joe@x          joe@x.DEFAULTDOMAIN      joe@x.y.        joe@x.y
//   joe@x+         joe@x.PLUSDOMAIN         joe@[192.0.2.1], <> and joe@[] stay

import { quoteAddress } from '@q/address';
import { Permanent } from '@q/fault';
import { type Token, tokenize, withoutRoute } from '@q/rfc822';

/** What is added, with the sign before it. */
export interface AddressDefaults {
  /** `@host` */
  readonly host: readonly Token[];
  /** `.domain` */
  readonly domain: readonly Token[];
  /** `.domain` */
  readonly plus: readonly Token[];
}

/** The steps in their order; what one adds is subject to those after it. The tokens given are not changed. */
export function rewriteAddress(given: Token[], defaults: AddressDefaults): Token[] {
  if (given.length === 0 || isVerp(given)) return given;
  const address = withoutRoute(given).slice();
  if (address.at(-1)?.type === '.') address.pop();
  if (address.at(-1)?.type === '@') address.pop();
  if (address.length === 0) return address;
  if (!address.some((token) => token.type === '@')) append(address, defaults.host);
  const last = address.at(-1) as Token;
  if (last.type === 'atom' && last.text.endsWith('+')) {
    address[address.length - 1] = { type: 'atom', text: last.text.slice(0, -1) };
    append(address, defaults.plus);
  }
  if (isSimpleHost(address)) append(address, defaults.domain);
  return address;
}

/** The tokens of an address as it stands in an argument, unquoted; undefined when its host is not one. */
export function argumentTokens(address: string): Token[] | undefined {
  return tokenize(quoteAddress(address));
}

export function defaultsOf(names: {
  readonly host: string;
  readonly domain: string;
  readonly plus: string;
}): AddressDefaults {
  return {
    host: setting(`@${names.host}`),
    domain: setting(`.${names.domain}`),
    plus: setting(`.${names.plus}`),
  };
}

function setting(text: string): Token[] {
  const tokens = tokenize(text);
  if (tokens === undefined) throw new Permanent(`unable to parse this line:\n${text}`);
  return tokens;
}

/** `list-@host-@[]`, a sender that stands for one sender a recipient, ends so. */
function isVerp(address: readonly Token[]): boolean {
  const last = address.at(-1);
  return last?.type === 'literal' && last.text === '' && address.at(-2)?.type === '@';
}

/** True when the host, what follows the last @, has neither a dot nor a literal. */
function isSimpleHost(address: readonly Token[]): boolean {
  for (let i = address.length - 1; i >= 0; i--) {
    const { type } = address[i] as Token;
    if (type === '@') return true;
    if (type === '.' || type === 'literal') return false;
  }
  return true;
}

function append(address: Token[], more: readonly Token[]): void {
  for (const token of more) address.push(token);
}
