// Access lists as Courier writes them: the files `courierimapacl` of folders, and those in `courierimaphieracl`.
//
//     owner aceilrstwx
//     administrators aceilrstwx
//     user=bob ilrs
//     -group=guests i
//
// A line is an identifier, a space, and letters in ASCII order. The letters are those of RFC 4314, but "c" for what is
// now "k". All entries that a user falls under count together, then the negative ones take away (ACL2=UNION). Whoever
// administers the server has all rights everywhere; Courier adds that line to each list it reads.

import { IDENTIFIER_MAX } from './limits.ts';
import type { AclEntry, Rights } from './model.ts';
import { NameFault } from './name-fault.ts';
import { linesOf } from './small-file.ts';

/** In the order that RFC 4314 names them. */
export const ALL_RIGHTS = 'lrswikxtea';
const LETTERS = 'lrswipkxtea';

/** A list that nobody has changed. */
export const DEFAULT_ACL: readonly AclEntry[] = [
  { identifier: 'owner', rights: ALL_RIGHTS },
  { identifier: 'administrators', rights: ALL_RIGHTS },
];

/** Latin1 text of the file. Lines that say nothing are passed over; the last line of an identifier counts. */
export function decodeAcl(text: string): AclEntry[] {
  const entries = new Map<string, Rights>();
  for (const line of linesOf(text)) {
    const [, name, letters = ''] = /^([^\0- \x7f]+) *([^ ]*)$/.exec(line) ?? [];
    if (name === undefined || name.length > IDENTIFIER_MAX) continue;
    entries.set(
      Buffer.from(name, 'latin1').toString('utf8'),
      sortRights(letters.replaceAll('c', 'k')),
    );
  }
  return withAdministrators(entries);
}

export function encodeAcl(entries: readonly AclEntry[]): Buffer {
  const lines = entries.map(({ identifier, rights }) => {
    const letters = [...rights.replace('k', 'c')].sort().join('');
    return `${identifier} ${letters}\n`;
  });
  return Buffer.from(lines.join(''));
}

/** The list with the administrators' line whole, as the last one if it was not there. */
function withAdministrators(entries: ReadonlyMap<string, Rights>): AclEntry[] {
  const whole = new Map(entries);
  const name = whole.has('group=administrators') ? 'group=administrators' : 'administrators';
  whole.set(name, sortRights(ALL_RIGHTS + (whole.get(name) ?? '')));
  whole.delete('-administrators');
  whole.delete('-group=administrators');
  return [...whole].map(([identifier, rights]) => ({ identifier, rights }));
}

/**
 * The list after SETACL; an entry without rights is none. `owner` is the identifier ("user=bob") of who owns the mailbox.
 * Throws NameFault CANNOT for what cannot be.
 */
export function changeAcl(
  entries: readonly AclEntry[],
  identifier: string,
  change: 'replace' | 'add' | 'remove',
  rights: Rights,
  owner = 'owner',
): readonly AclEntry[] {
  const name = checkedIdentifier(identifier);
  const given = checkedRights(rights);
  const changed = new Map(entries.map((entry) => [entry.identifier, entry.rights]));
  const before = changed.get(name) ?? '';
  const after = {
    replace: given,
    add: sortRights(before + given),
    remove: [...before].filter((right) => !given.includes(right)).join(''),
  }[change];
  if (after === '') changed.delete(name);
  else changed.set(name, after);
  const list = withAdministrators(changed);
  for (const identifiers of [['owner'], ['owner', owner]]) {
    const kept = computeRights(list, identifiers);
    if (!kept.includes('l') || !kept.includes('a'))
      throw new NameFault('CANNOT', "The owner's rights l and a cannot be taken away");
  }
  const administrators = computeRights(list, ADMINISTRATORS);
  if ([...ALL_RIGHTS].some((right) => !administrators.includes(right)))
    throw new NameFault('CANNOT', "The administrators' rights cannot be taken away");
  return list;
}

/** What those have who fall under `identifiers`, in RFC 4314's order; `always` whatever the list says. */
export function computeRights(
  entries: readonly AclEntry[],
  identifiers: readonly string[],
  always: Rights = '',
): Rights {
  const isMeant = (name: string) =>
    EVERYBODY.includes(name) ||
    identifiers.includes(name) ||
    (ADMINISTRATORS.includes(name) && ADMINISTRATORS.some((one) => identifiers.includes(one)));
  const granted = entries.filter(({ identifier }) => isMeant(identifier));
  const taken = entries.filter(
    ({ identifier }) => identifier.startsWith('-') && isMeant(identifier.slice(1)),
  );
  const all = granted.map(({ rights }) => rights).join('');
  const away = taken.map(({ rights }) => rights).join('');
  return sortRights(always + [...all].filter((right) => !away.includes(right)).join(''));
}

const EVERYBODY = ['anyone', 'anonymous'];
const ADMINISTRATORS = ['administrators', 'group=administrators'];

/** Known letters, each once, in RFC 4314's order. */
function sortRights(letters: string): Rights {
  return [...LETTERS].filter((letter) => letters.includes(letter)).join('');
}

/**
 * The rights of a command: also "c" and "d" of RFC 2086, which stand for "k" and for "x", "t" and "e" (RFC 4314, section 2.1.1).
 * Throws NameFault CANNOT.
 */
function checkedRights(letters: string): Rights {
  const rights = letters.replaceAll('c', 'k').replaceAll('d', 'xte');
  if ([...rights].some((letter) => !LETTERS.includes(letter)))
    throw new NameFault('CANNOT', 'Right not supported');
  return sortRights(rights);
}

/**
 * The identifier of a command as it stands in a list. A bare name is a user's, as RFC 4314 has it. Throws NameFault CANNOT for
 * what would be several entries, or none.
 */
export function checkedIdentifier(identifier: string): string {
  const [, minus = '', name = ''] = /^(-?)(.*)$/su.exec(identifier.normalize('NFC')) ?? [];
  const isLong = Buffer.byteLength(name) >= IDENTIFIER_MAX - 'user='.length;
  if (name === '' || isLong || /[\0- \x7f-\xa0\u2028\u2029]|\p{Surrogate}/u.test(name))
    throw new NameFault('CANNOT', 'Identifier not supported');
  const isClass = ['owner', ...EVERYBODY, 'administrators'].includes(name);
  if (isClass || /^(?:user|group)=./su.test(name)) return minus + name;
  if (name.startsWith('-')) throw new NameFault('CANNOT', 'Identifier not supported');
  return `${minus}user=${name}`;
}
