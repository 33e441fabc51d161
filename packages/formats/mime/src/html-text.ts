// The words of an HTML text, for a preview: no markup, no styles and scripts, entities as characters. Not for display:
// the result is plain text, and no promise is made about what a browser would show.

/** One pass over it; what is not closed ends with the text. */
export function htmlText(html: string): string {
  const pieces: string[] = [];
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at);
    if (open < 0) {
      pieces.push(html.slice(at));
      break;
    }
    pieces.push(html.slice(at, open));
    const end = markupEnd(html, open);
    if (end === undefined) {
      pieces.push('<');
      at = open + 1;
    } else {
      const inline = INLINE.test(html.slice(open, open + 12));
      if (!inline) pieces.push(' ');
      at = end;
    }
  }
  return withoutEntities(pieces.join(''));
}

/** Where the markup that begins here ends; undefined when it is none, just a "<". */
function markupEnd(html: string, open: number): number | undefined {
  if (html.startsWith('<!--', open)) return behind(html, '-->', open + 4);
  TAG.lastIndex = open;
  const name = TAG.exec(html)?.[1];
  if (name === undefined) return undefined;
  const end = behind(html, '>', open);
  const hidden = HIDDEN.get(name.toLowerCase());
  if (hidden === undefined || html[open + 1] === '/') return end;
  hidden.lastIndex = end;
  return hidden.test(html) ? behind(html, '>', hidden.lastIndex) : html.length;
}

function behind(html: string, what: string, from: number): number {
  const found = html.indexOf(what, from);
  return found < 0 ? html.length : found + what.length;
}

function withoutEntities(text: string): string {
  return text.replace(ENTITY, (whole, entity: string) => {
    if (entity[0] !== '#') return ENTITIES.get(entity) ?? whole;
    const hex = entity[1] === 'x' || entity[1] === 'X';
    const code = Number.parseInt(entity.slice(hex ? 2 : 1), hex ? 16 : 10);
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : '\ufffd';
  });
}

const TAG = /<[/!?]?([a-z][a-z0-9]*)/iy;
/** Elements whose text is none, with what ends them. */
const HIDDEN: ReadonlyMap<string, RegExp> = new Map(
  ['style', 'script', 'head', 'title', 'template'].map((name) => [
    name,
    new RegExp(`</${name}(?=[\\s/>]|$)`, 'gi'),
  ]),
);
/** Where these begin or end, words are not divided. */
const INLINE =
  /^<\/?(?:a|abbr|b|bdi|bdo|big|code|em|font|i|mark|s|small|span|strong|sub|sup|tt|u|wbr)[\s/>]/i;
const ENTITY = /&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});/g;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
  ['zwnj', ''],
  ['shy', ''],
  ['ndash', '–'],
  ['mdash', '—'],
  ['lsquo', '‘'],
  ['rsquo', '’'],
  ['ldquo', '“'],
  ['rdquo', '”'],
  ['laquo', '«'],
  ['raquo', '»'],
  ['bull', '•'],
  ['hellip', '…'],
  ['middot', '·'],
  ['euro', '€'],
  ['copy', '©'],
  ['reg', '®'],
  ['trade', '™'],
  ['auml', 'ä'],
  ['ouml', 'ö'],
  ['uuml', 'ü'],
  ['Auml', 'Ä'],
  ['Ouml', 'Ö'],
  ['Uuml', 'Ü'],
  ['szlig', 'ß'],
  ['eacute', 'é'],
  ['egrave', 'è'],
  ['agrave', 'à'],
  ['ccedil', 'ç'],
]);
