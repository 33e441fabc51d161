// The commands of IMAP that write, for a test of what failures at each of their steps leave behind: what has to be in
// which mailbox afterwards, by what the client was told.

/** What the client was told: done; not done; nothing, because the server was gone. */
export type Told = 'OK' | 'NO' | 'nothing';

/** Which messages are in a mailbox, by the ids in their headers; an id twice is there twice. */
export type Contents = Readonly<Record<string, readonly string[]>>;

export interface WritingCommand {
  readonly name: string;
  /** In order, with nothing failing. */
  readonly before: readonly string[];
  /** Messages that another program delivers to INBOX just before. */
  readonly arriving?: readonly string[];
  /** "APPEND mailbox (flags) id id ..." and "REPLACE number mailbox (flags) id" stand for those with literals. */
  readonly command: string;
  /** What messages, as "mailbox id", have once it is done. */
  readonly flags?: Readonly<Record<string, readonly string[]>>;
  /** Throws what is wrong. `was` is before the command. */
  check(told: Told, was: Contents, is: Contents): void;
}

/** The mailboxes each run begins with: INBOX has a to f, all others are empty. */
export const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
export const MAILBOXES = [
  'INBOX',
  'Target',
  'Parent',
  'Parent/Child',
  'Renamed',
  'Renamed/Child',
  'Made',
];
/** A message that no command means, and the flags it keeps wherever it comes to. */
export const FLAGGED = { id: 'f', flags: ['\\Seen', 'red'] };

export const WRITING: readonly WritingCommand[] = [
  {
    name: 'APPEND',
    before: [],
    command: 'APPEND Target (\\Flagged red) x',
    flags: { 'Target x': ['\\Flagged', 'red'] },
    check: (told, was, is) => added(told, was, is, ['x']),
  },
  {
    name: 'APPEND of three',
    before: [],
    command: 'APPEND Target () x y z',
    check: (told, was, is) => added(told, was, is, ['x', 'y', 'z']),
  },
  {
    name: 'COPY',
    before: [],
    command: 'COPY 1:3 Target',
    check: (told, was, is) => added(told, was, is, ['a', 'b', 'c']),
  },
  {
    name: 'MOVE',
    before: [],
    command: 'MOVE 1:3 Target',
    check: (told, was, is) => {
      same(was, is, ['INBOX', 'Target']);
      for (const id of IDS) {
        const source = times(is, 'INBOX', id);
        const target = times(is, 'Target', id);
        if (source + target !== 1) fail(`${id} is there ${source} and ${target} times`);
        if (told === 'OK' && target !== (id <= 'c' ? 1 : 0)) fail(`${id} was moved: ${target}`);
        if (id > 'c' && target > 0) fail(`${id} was not to be moved`);
      }
    },
  },
  {
    name: 'EXPUNGE',
    before: ['STORE 2,4,5 +FLAGS (\\Deleted)'],
    command: 'EXPUNGE',
    check: (told, was, is) => {
      same(was, is, ['INBOX']);
      for (const id of IDS) {
        const count = times(is, 'INBOX', id);
        const doomed = 'bde'.includes(id);
        if (count > 1 || (!doomed && count !== 1)) fail(`${id} is there ${count} times`);
        if (told === 'OK' && doomed && count > 0) fail(`${id} was expunged and is there`);
      }
    },
  },
  {
    name: 'STORE',
    before: [],
    command: 'STORE 1:4 +FLAGS (\\Answered blue)',
    flags: { 'INBOX a': ['\\Answered', 'blue'], 'INBOX d': ['\\Answered', 'blue'] },
    check: (_told, was, is) => same(was, is, []),
  },
  {
    name: 'STORE of the last keyword',
    before: ['STORE 1:2 +FLAGS (green)'],
    command: 'STORE 1:2 -FLAGS (green)',
    check: (_told, was, is) => same(was, is, []),
  },
  {
    name: 'REPLACE',
    before: [],
    command: 'REPLACE 2 INBOX (red) x',
    flags: { 'INBOX x': ['red'] },
    check: (told, was, is) => {
      same(was, is, ['INBOX']);
      const old = times(is, 'INBOX', 'b');
      const now = times(is, 'INBOX', 'x');
      if (old > 1 || now > 1 || old + now === 0) fail(`${old} of the old one, ${now} of the new`);
      if (told === 'OK' && (old !== 0 || now !== 1)) fail(`replaced, but ${old} and ${now}`);
      if (told === 'NO' && old !== 1) fail('b was not to be replaced, and is lost');
      for (const id of IDS) if (id !== 'b' && times(is, 'INBOX', id) !== 1) fail(`lost ${id}`);
    },
  },
  {
    name: 'SELECT with new mail',
    before: ['UNSELECT'],
    arriving: ['g', 'h'],
    command: 'SELECT INBOX',
    check: arrived,
  },
  { name: 'NOOP with new mail', before: [], arriving: ['g', 'h'], command: 'NOOP', check: arrived },
  {
    name: 'CREATE',
    before: [],
    command: 'CREATE Made',
    check: (told, was, is) => {
      same(was, is, ['Made']);
      if (told === 'OK' && is.Made === undefined) fail('it is not there');
      if (told === 'NO' && is.Made !== undefined) fail('it was refused and is there');
    },
  },
  {
    name: 'RENAME',
    before: ['CREATE Parent', 'CREATE Parent/Child', 'COPY 1:2 Parent', 'COPY 3 Parent/Child'],
    command: 'RENAME Parent Renamed',
    check: (told, was, is) => {
      same(was, is, ['Parent', 'Parent/Child', 'Renamed', 'Renamed/Child']);
      for (const [id, level] of [
        ['a', ''],
        ['b', ''],
        ['c', '/Child'],
      ] as const) {
        const old = times(is, `Parent${level}`, id);
        const now = times(is, `Renamed${level}`, id);
        if (old + now !== 1) fail(`${id} is there ${old} and ${now} times`);
        if ((told === 'OK') !== (now === 1) && told !== 'nothing')
          fail(`${id}: ${told}, but ${now}`);
      }
    },
  },
  {
    name: 'RENAME INBOX',
    before: [],
    command: 'RENAME INBOX Renamed',
    check: (told, was, is) => {
      same(was, is, ['INBOX', 'Renamed']);
      for (const id of IDS) {
        const old = times(is, 'INBOX', id);
        const now = times(is, 'Renamed', id);
        if (old + now !== 1) fail(`${id} is there ${old} and ${now} times`);
        if (told === 'OK' && now !== 1) fail(`${id} was not moved`);
      }
    },
  },
  {
    name: 'DELETE',
    before: ['COPY 1:2 Target'],
    command: 'DELETE Target',
    check: (told, was, is) => {
      same(was, is, ['Target']);
      if (told === 'OK' && is.Target !== undefined) fail('Target was deleted and is there');
      // In its place nothing, or all.
      if (told === 'NO' && is.Target?.join() !== was.Target?.join()) fail('Target lost messages');
    },
  },
];

/** Nothing of the messages but in Target, where `ids` are: all or none where something was told, each once at most. */
function added(told: Told, was: Contents, is: Contents, ids: readonly string[]): void {
  same(was, is, ['Target']);
  for (const id of ids) {
    const count = times(is, 'Target', id);
    if (count > 1) fail(`${id} is there ${count} times`);
    if (told === 'OK' && count !== 1) fail(`${id} was accepted and is lost`);
    if (told === 'NO' && count !== 0) fail(`${id} was refused and is there`);
  }
  if ((is.Target ?? []).some((id) => !ids.includes(id))) fail(`Target has ${is.Target}`);
}

/** What was delivered is there, once, and nothing else has changed. */
function arrived(_told: Told, was: Contents, is: Contents): void {
  same(was, is, ['INBOX']);
  for (const id of [...IDS, 'g', 'h'])
    if (times(is, 'INBOX', id) !== 1) fail(`${id} is there ${times(is, 'INBOX', id)} times`);
}

/** All mailboxes but those are as they were. */
function same(was: Contents, is: Contents, but: readonly string[]): void {
  for (const name of MAILBOXES)
    if (!but.includes(name) && was[name]?.toSorted().join() !== is[name]?.toSorted().join())
      fail(`${name} had ${was[name]}, has ${is[name]}`);
}

function times(contents: Contents, mailbox: string, id: string): number {
  return (contents[mailbox] ?? []).filter((one) => one === id).length;
}

function fail(what: string): never {
  throw new Error(what);
}
