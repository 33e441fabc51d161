// A parameter's value as a reader sees it (RFC 2231, 4): `utf-8'de'%C3%BC.txt` of `filename*` is "ü.txt".

import { charsetNamed, decodeText, UNSTATED } from './charset.ts';
import { decodeHeader } from './encoded-word.ts';
import type { Parameters } from './message.ts';

/**
 * The decoded parameter; of `name` and `name*` the latter, which can say more. Encoded words are decoded too: no
 * standard allows them here, many programs write them. It may hold anything, slashes and controls too: it is no path.
 */
export function parameterText(parameters: Parameters, name: string): string | undefined {
  const encoded = rawValue(parameters, `${name}*`);
  if (encoded === undefined) {
    const plain = rawValue(parameters, name);
    return plain === undefined ? undefined : decodeHeader(plain);
  }
  const [, charset = '', text = encoded] = /^([^']*)'[^']*'([\s\S]*)$/.exec(encoded) ?? [];
  const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return decodeText(charsetNamed(charset) ?? UNSTATED, Buffer.from(bytes, 'latin1'));
}

function rawValue(parameters: Parameters, name: string): string | undefined {
  return parameters.find(([key]) => key === name)?.[1];
}
