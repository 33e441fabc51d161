// The address lists of header fields (RFC 5322, 3.4 and 4.4; RFC 822, 6), as qmail reads them: from right to left,
// because what stands before an address is known only behind it.
//
//   list    = [ item ] *( "," [ item ] )
//   item    = address / phrase "<" [ route ] address ">" / phrase ":" list ";"
//   address = 1*( atom / quoted / literal / "." / "@" )
//
// Words that only blanks separate are addresses of their own, and get their comma: `ann joe` is `ann, joe`.
// Comments stay beside the address they are in.

import { plainText } from './format.ts';
import { special, type Token, tokenize } from './token.ts';

/** Gives what takes an address's place. Its tokens are those between the angle brackets, route included. */
export type RewriteAddress = (address: Token[]) => Token[];

/**
 * The list with each address replaced by what `rewrite` makes of it; called from the last address to the first.
 * Undefined when the list cannot be read: a `>` without `<`, a `:` without `;`, or a group in a group.
 */
export function rewriteAddressList(
  tokens: readonly Token[],
  rewrite: RewriteAddress,
): Token[] | undefined {
  const reader = new ListReader(tokens, rewrite);
  return reader.read() ? reader.out.reverse() : undefined;
}

/**
 * The addresses of a field's body, in their order, as an envelope has them: no quotes, no comments, no routes.
 * Empty ones (`<>`) are among them. Undefined when it cannot be read.
 */
export function parseAddressList(text: string): string[] | undefined {
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  const addresses: string[] = [];
  const list = rewriteAddressList(tokens, (address) => {
    addresses.push(plainText(withoutRoute(address)));
    return address;
  });
  return list === undefined ? undefined : addresses.reverse();
}

/** An address without its RFC 822 source route: `@a,@b:c@d` is `c@d`. A route to nowhere leaves nothing. */
export function withoutRoute(address: Token[]): Token[] {
  if (address[0]?.type !== '@') return address;
  const colon = address.findIndex((token) => token.type === ':');
  return colon < 0 ? [] : address.slice(colon + 1);
}

class ListReader {
  /** The new list, last token first. */
  readonly out: Token[] = [];
  readonly #tokens: readonly Token[];
  readonly #rewrite: RewriteAddress;
  #at: number;
  /** The address being read, last token first. */
  #address: Token[] = [];
  /** A word here belongs to the address; otherwise it is one of its own, because a word stands right behind it. */
  #joins = true;
  #inGroup = false;

  constructor(tokens: readonly Token[], rewrite: RewriteAddress) {
    this.#tokens = tokens;
    this.#rewrite = rewrite;
    this.#at = tokens.length - 1;
  }

  read(): boolean {
    for (let token = this.#here(); token !== undefined; token = this.#here()) {
      if (!this.#item(token)) return false;
    }
    this.#endAddress();
    return true;
  }

  #item(token: Token): boolean {
    switch (token.type) {
      case ';': // the end of a group
        this.#endAddress(true);
        if (this.#inGroup) return false;
        this.#inGroup = true;
        this.#joins = true;
        this.#keep();
        return true;
      case ':': // its beginning, behind its name
        this.#endAddress();
        if (!this.#inGroup) return false;
        this.#inGroup = false;
        this.#joins = true;
        this.#keep();
        this.#groupName();
        return true;
      case '>':
        return this.#angle();
      case ',':
        this.#endAddress();
        this.#joins = true;
        this.#keep();
        return true;
      case 'comment': // like a blank, it neither joins nor separates words
        this.#keep();
        return true;
      case 'atom':
      case 'quoted':
      case 'literal':
        if (!this.#joins) this.#endAddress(true);
        this.#joins = false;
        break;
      default: // a dot or an @ joins the words around it
        this.#joins = true;
    }
    this.#address.push(token);
    this.#at--;
    return true;
  }

  /** `phrase <address>`: even an empty one is an address. */
  #angle(): boolean {
    this.#endAddress(true);
    this.#keep();
    for (let token = this.#here(); token?.type !== '<'; token = this.#here()) {
      if (token === undefined) return false;
      this.#address.push(token);
      this.#at--;
    }
    this.#give();
    this.#keep();
    this.#joins = false;
    while (IN_PHRASE.has(this.#here()?.type ?? '')) this.#keep();
    return true;
  }

  /**
   * All words up to the comma before the group. Where that is missing, behind another group or an angle bracket, it is
   * put: qmail would take everything before for the name, and lose its addresses.
   */
  #groupName(): void {
    for (let token = this.#here(); token !== undefined; token = this.#here()) {
      if (token.type === ';' || token.type === '>') {
        this.out.push(special(','));
        return;
      }
      this.#keep();
      if (token.type === ',') return;
    }
  }

  #endAddress(withComma = false): void {
    if (this.#address.length === 0) return;
    this.#give();
    if (withComma) this.out.push(special(','));
  }

  #give(): void {
    const rewritten = this.#rewrite(this.#address.reverse());
    for (let i = rewritten.length - 1; i >= 0; i--) this.out.push(rewritten[i] as Token);
    this.#address = [];
  }

  #here(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #keep(): void {
    this.out.push(this.#tokens[this.#at--] as Token);
  }
}

/** What may stand before an angle bracket; more than a phrase should have, because people write `a@b <a@b>` and `[x] Joe <a@b>`. */
const IN_PHRASE: ReadonlySet<string> = new Set(['comment', 'atom', 'quoted', 'literal', '@', '.']);
