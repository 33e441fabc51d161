// What is measured: a table. A row without `quick` is left out with --quick.
//   load      login: connect, USER, PASS, STAT, QUIT, again and again, `connections` at a time; with `each` for each user once
//             retr: the messages of the mailbox by RETR, in turn, up to `ahead` commands before their answers
//             list: login, UIDL, LIST, and hold the connection while memory is looked at
//             idle: `connections` sessions that have logged in and say nothing
//   who       the users, in turn, by what the accounts call them (see accounts.mjs)
//   noDelay   false: a client that leaves Nagle's algorithm on
//   fresh     the servers are started anew before it
//   repeat    not the first session, but those that follow
//   forget    what a server has written down about the mailbox is removed before it
//   once      in one round only

const login = { load: 'login', connections: 10, who: 'virtual' };
const retr = { load: 'retr', connections: 1, ahead: 1, who: 'small' };
const list = { load: 'list', connections: 1 };
const idle = { load: 'idle', connections: 500, once: true };

export const ROWS = [
  { name: 'login-c1', ...login, connections: 1 },
  { name: 'login-c10', ...login, quick: true },
  { name: 'login-md5-c10', ...login, who: 'md5', quick: true },
  { name: 'login-100-c10', ...login, who: 'system' },
  { name: 'retr-2k', ...retr, quick: true },
  { name: 'retr-2k-nagle', ...retr, noDelay: false, quick: true },
  { name: 'retr-2k-piped', ...retr, ahead: 50, quick: true },
  { name: 'retr-2k-c10', ...retr, connections: 10 },
  { name: 'retr-100k', ...retr, who: 'large', quick: true },
  { name: 'list-50k-first', ...list, who: 'many', forget: true, quick: true },
  { name: 'list-50k', ...list, who: 'many', repeat: true, quick: true },
  { name: 'list-50k-nosize-first', ...list, who: 'nosize', forget: true, once: true },
  { name: 'list-50k-nosize', ...list, who: 'nosize', repeat: true, once: true },
  { name: 'idle-500-virtual', ...idle, who: 'virtual', quick: true },
  { name: 'idle-500-system', ...idle, who: 'system' },
  { name: 'login-new-c10', ...login, who: 'system', each: true, fresh: true, once: true },
];

export function rowNames() {
  return ROWS.map(({ name }) => name);
}

/** What a run yields, in the order of the report; `best` tells which way is better. */
export const METRICS = [
  { key: 'rate', title: 'each second', best: 'high' },
  { key: 'megabytes', title: 'MB/s', best: 'high' },
  { key: 'login', title: 'login, ms', best: 'low' },
  { key: 'uidl', title: 'UIDL, ms', best: 'low' },
  { key: 'list', title: 'LIST, ms', best: 'low' },
  { key: 'cpu', title: 'CPU ms each', best: 'low' },
  { key: 'memory', title: 'MB', best: 'low' },
  { key: 'session', title: 'kB a session', best: 'low' },
  { key: 'client', title: 'client CPU ms', best: 'low' },
];
