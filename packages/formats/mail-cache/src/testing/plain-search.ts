// SEARCH as simple as it can be written: everything in memory, no bytes, no index.

import { bufferSource, casemap, decodeHeader, messageText, parseMessage } from '@q/mime';
import type { SearchScope } from '../model.ts';

/** Whether the message is found, as RFC 3501, 6.4.4 says. */
export async function plainSearch(
  mail: Buffer,
  scope: SearchScope,
  value: string,
): Promise<boolean> {
  const message = await parseMessage([mail]);
  const wanted = wellFormed(casemap(value));
  const { start, end } = message.root.header;
  const fields = fieldsOf(mail.toString('latin1', start, end));
  if (scope.kind === 'header') {
    const name = casemap(decodeHeader(scope.name));
    const named = fields.filter(
      (field) => field.name !== undefined && casemap(field.name) === name,
    );
    return named.some((field) => wellFormed(casemap(field.value)).includes(wanted));
  }
  if (wanted === '') return true;
  const texts: string[] = [];
  if (scope.kind === 'text')
    texts.push(
      ...fields.map(({ name, value }) => (name === undefined ? value : `${name}:${value}`)),
    );
  for await (const { text, begins } of messageText(bufferSource(mail), message, {
    header: false,
  })) {
    if (begins) texts.push(text);
    else texts[texts.length - 1] += text;
  }
  return texts.some((text) => wellFormed(casemap(text)).includes(wanted));
}

function fieldsOf(header: string): { name: string | undefined; value: string }[] {
  const fields: { name: string | undefined; value: string }[] = [];
  for (const line of header.split(/(?<=\n)(?![ \t])/)) {
    if (/^[\r\n]*$/.test(line)) continue;
    const text = line.replace(/\r?\n(?=[ \t])/g, '').replace(/\r?\n$/, '');
    const colon = text.indexOf(':');
    if (colon < 0) fields.push({ name: undefined, value: decodeHeader(text) });
    else
      fields.push({
        name: decodeHeader(text.slice(0, colon).replace(/[ \t]+$/, '')),
        value: decodeHeader(text.slice(colon + 1)),
      });
  }
  return fields;
}

/** Half of a surrogate pair is no character. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
