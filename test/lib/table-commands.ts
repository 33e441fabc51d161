// The commands that change a virtual domain, with what each does to the home that the fault test lays out:
//
//   passwd.cdb   joe, a mailbox with a message, and info, an alias of his; anne, a mailbox with a message
//   bulletins    two of them

import { encodeCdb } from '@q/cdb';
import { encodeRecord, UNLIMITED, type VirtualUser } from '@q/vmailmgr';
import { DIST } from './instance.ts';

/** What is in the home now. Texts are latin1; paths are relative to the home. */
export interface Home {
  readonly users: ReadonlyMap<string, VirtualUser>;
  /** Undefined when there is no such file. */
  read(path: string): string | undefined;
  /** Names in a directory, sorted; none when it is not there. */
  list(path: string): readonly string[];
}

export interface TableCommand {
  readonly name: string;
  readonly args: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Files that are different before; undefined for one that is not there. */
  readonly before?: Readonly<Record<string, string | Buffer | undefined>>;
  /** It consists of several changes, each of them whole. */
  readonly partly?: boolean;
  /** True when everything is as after a whole run. */
  done(home: Home): boolean;
  /** True at every moment, whatever came between. */
  sound?(home: Home): boolean;
}

/** What the test puts into the mailboxes and directories. */
export const BULLETINS: readonly string[] = ['first', 'second'];
const HASH = '$6$a$b';
const OLD_CONTROL = '|other-program\n';
const CONTROL = `|${DIST}/vdeliver\n`;
const CONFIGURATION = 'default-hardquota = 77\npostmaster-aliases = a, b\n';
const CONVERTED = { 'default-hardquota': '77\n', 'postmaster-aliases': 'a\nb\n' };

const RECORD: VirtualUser = {
  password: '*',
  directory: '',
  forwards: [],
  personal: '',
  hardQuota: UNLIMITED,
  softQuota: UNLIMITED,
  messageSize: UNLIMITED,
  messageCount: UNLIMITED,
  created: 1,
  expiry: UNLIMITED,
  hasMailbox: false,
  mailboxEnabled: true,
};

/** Records of versions 0, 1 and 2, and the old name of the catch-all. */
const OLD_TABLE = encodeCdb([
  ['joe', ':*:./users/joe'],
  ['anne', '\x01*\0./users/anne\0\0\0-\0-\0-\0-\x001\0-\0'],
  ['*', ':*:&anne'],
  ['info', encodeRecord({ ...RECORD, forwards: ['joe'] })],
]);
const OLD_TEXT = 'joe:*:./users/joe\nanne:*:./users/anne\n*:*:&anne\ninfo:*:&joe\n';

const isUpgraded = ({ users, list }: Home) =>
  users.size === 4 &&
  ['+', 'anne', 'info', 'joe'].every((name) => list('users').includes(name)) &&
  users.get('joe')?.directory === './users/joe' &&
  users.get('anne')?.directory === './users/anne' &&
  users.get('+')?.forwards.join() === 'anne' &&
  users.get('info')?.forwards.join() === 'joe';

/** Whatever could not be brought up to date: nobody is missing. */
const isComplete = ({ users }: Home) =>
  ['joe', 'anne', 'info'].every((name) => users.has(name)) && (users.has('*') || users.has('+'));

const hasAll = (names: readonly string[]) => (home: Home) =>
  names.every((name) => home.users.has(name));

const bulletinsOf = (home: Home) =>
  home
    .list('users/anne/new')
    .map((name) => home.read(`users/anne/new/${name}`))
    .filter((text) => text !== undefined && BULLETINS.includes(text));

export const COMMANDS: readonly TableCommand[] = [
  { name: 'vadduser', args: ['-P', 'new', 'other'], partly: true, done: hasAll(['new']) },
  { name: 'vaddalias', args: ['sales', 'joe', 'x@y.test'], done: hasAll(['sales']) },
  {
    name: 'vaddusers',
    args: ['--hashed'],
    input: 'new * other\nnewer *\n',
    partly: true,
    // As with vadduser: an alias that could not be made is a warning, and who exists is passed over the next time.
    done: hasAll(['new', 'newer']),
  },
  {
    name: 'vpasswd',
    args: ['joe'],
    input: 'secret\n',
    done: ({ users }) => /^\$[y6]\$.{20}/.test(users.get('joe')?.password ?? ''),
  },
  {
    name: 'vpasswds',
    args: ['--hashed'],
    input: `joe ${HASH}\nanne ${HASH}\n`,
    partly: true,
    done: ({ users }) => ['joe', 'anne'].every((name) => users.get(name)?.password === HASH),
  },
  {
    name: 'vchattr',
    args: ['-Q', '77', 'joe', 'anne'],
    done: ({ users }) => ['joe', 'anne'].every((name) => users.get(name)?.hardQuota === 77),
  },
  {
    name: 'vchforwards',
    args: ['joe', 'anne', 'x@y.test'],
    done: ({ users }) => users.get('joe')?.forwards.join() === 'anne,x@y.test',
  },
  {
    name: 'vrenuser',
    args: ['--alias', 'joe', 'joseph'],
    done: ({ users }) =>
      users.get('joseph')?.hasMailbox === true &&
      users.get('joe')?.forwards.join() === 'joseph' &&
      users.get('info')?.forwards.join() === 'joseph',
  },
  {
    name: 'vrehash',
    args: [],
    partly: true,
    before: { '.vmailmgr/user-dir-bits': '6\n', '.vmailmgr/user-dir-slices': '1\n' },
    done: ({ users }) => /^\.\/users\/..\/joe$/.test(users.get('joe')?.directory ?? ''),
  },
  {
    name: 'vdeluser',
    args: ['joe', 'info'],
    done: ({ users }) => !users.has('joe') && !users.has('info'),
    // After the record the directory: all of it, or what has no other user's name.
    sound: (home) => home.users.has('joe') || !home.users.has('info'),
  },
  {
    name: 'vsetup',
    args: [],
    partly: true,
    before: { '.qmail-default': OLD_CONTROL },
    done: (home) =>
      home.read('.qmail-default') === CONTROL &&
      hasAll(['mailer-daemon', 'postmaster', 'root'])(home),
    // There is always one of the two, and the old one is kept before the new one takes its place.
    sound: (home) =>
      home.read('.qmail-default') === OLD_CONTROL ||
      (home.read('.qmail-default') === CONTROL && home.read('.qmail-default~') === OLD_CONTROL),
  },
  {
    name: 'vupgrade',
    args: [],
    partly: true,
    before: { 'passwd.cdb': OLD_TABLE },
    done: isUpgraded,
    sound: isComplete,
  },
  {
    name: 'vupgrade',
    args: [],
    partly: true,
    before: { 'passwd.cdb': undefined, passwd: OLD_TEXT },
    done: isUpgraded,
    sound: (home) =>
      home.read('passwd') === OLD_TEXT && (home.users.size === 0 || isComplete(home)),
  },
  {
    name: 'vconf2dir',
    args: ['old.conf', '.vmailmgr'],
    partly: true,
    before: { 'old.conf': CONFIGURATION, '.vmailmgr/default-hardquota': '5\n' },
    done: (home) =>
      Object.entries(CONVERTED).every(([name, text]) => home.read(`.vmailmgr/${name}`) === text),
    sound: (home) =>
      ['5\n', CONVERTED['default-hardquota']].includes(
        home.read('.vmailmgr/default-hardquota') ?? '',
      ) &&
      [undefined, CONVERTED['postmaster-aliases']].includes(
        home.read('.vmailmgr/postmaster-aliases'),
      ),
  },
  {
    name: 'vpopbull',
    args: ['bulletins'],
    partly: true,
    env: { MAILDIR: 'users/anne' },
    done: (home) =>
      home.list('users/anne').includes('.timestamp') && new Set(bulletinsOf(home)).size === 2,
  },
];
