// What is measured: a table. A row without `quick` is left out with --quick.
//   load      command: login, SELECT INBOX, the commands `before`, then `timed`, `repeat` times (the median counts), and
//                      `after`, which leaves the mailbox as it was; $N is the number of messages, $COPY another folder
//             select: SELECT of a session that has just logged in
//             append: 1,000 messages of 2 kB into another folder, one after the other
//             mixed: `connections` clients at once on one folder with $PART messages, each with its own list of all kinds of
//                      commands (mixed.mjs); what is not answered with OK is an error
//             wake: from a delivery to the EXISTS of a session in IDLE
//             login: connect, LOGIN, LOGOUT, again and again, `connections` at a time
//             idle: `connections` sessions that have selected INBOX and idle
//   capability, instead    where the server does not offer it: the commands that are timed in place of `timed`
//   who       the users, in turn, by what the accounts call them (see accounts.mjs)
//   cold      servers are started anew, and what they had written down of the mailbox is removed
//   once      in one round only
//   limit     seconds, instead of the run's

const SIZES = { '2k': 2000, '20k': 20_000, '100k': 100_000 };

const META = 'FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)';

const COMMANDS = [
  { name: 'flags', timed: 'FETCH 1:* (UID FLAGS)', repeat: 5 },
  { name: 'meta-first', timed: META, cold: true, once: true },
  { name: 'meta', timed: META, repeat: 3 },
  { name: 'subject', timed: 'SEARCH SUBJECT "mokari"', repeat: 5 },
  { name: 'from', timed: 'SEARCH FROM "person77"', repeat: 5 },
  { name: 'body-first', timed: 'SEARCH BODY "zugvogel"', cold: true, once: true },
  { name: 'body', timed: 'SEARCH BODY "zugvogel"', repeat: 3 },
  { name: 'text', timed: 'SEARCH TEXT "zugvogel"', repeat: 3 },
  { name: 'sort', timed: 'SORT (DATE) UTF-8 ALL', repeat: 5 },
  { name: 'thread', timed: 'THREAD REFERENCES UTF-8 ALL', repeat: 5 },
  { name: 'bodies', timed: 'FETCH 1:* BODY.PEEK[]', repeat: 2 },
  {
    name: 'store',
    timed: 'STORE 1:* +FLAGS.SILENT (\\Flagged)',
    after: ['STORE 1:* -FLAGS.SILENT (\\Flagged)'],
  },
  {
    name: 'copy',
    before: ['CREATE $COPY'],
    timed: 'COPY 1:$PART $COPY',
    after: ['DELETE $COPY'],
  },
  {
    name: 'move',
    before: ['CREATE $COPY', 'CREATE $COPY2', 'COPY 1:$PART $COPY', 'SELECT $COPY'],
    timed: 'MOVE 1:* $COPY2',
    capability: 'MOVE',
    instead: ['COPY 1:* $COPY2', 'STORE 1:* +FLAGS.SILENT (\\Deleted)', 'EXPUNGE'],
    after: ['SELECT INBOX', 'DELETE $COPY', 'DELETE $COPY2'],
  },
  {
    name: 'expunge',
    before: [
      'CREATE $COPY',
      'COPY 1:$PART $COPY',
      'SELECT $COPY',
      'STORE 1:* +FLAGS.SILENT (\\Deleted)',
    ],
    timed: 'EXPUNGE',
    after: ['SELECT INBOX', 'DELETE $COPY'],
  },
];

/** The rows of one mailbox. */
function rowsOf(size, count) {
  const common = { who: `m${size}`, count, quick: size === '2k' };
  return [
    { name: `select-first-${size}`, load: 'select', ...common, cold: true, once: true },
    { name: `select-${size}`, load: 'select', ...common, repeat: 9 },
    ...COMMANDS.map((row) => ({ load: 'command', ...common, ...row, name: `${row.name}-${size}` })),
    { name: `append-${size}`, load: 'append', ...common },
    { name: `wake-${size}`, load: 'wake', ...common, repeat: 9, limit: 20 },
  ];
}

const MIXED = {
  load: 'mixed',
  who: 'm2k',
  count: 2000,
  connections: 10,
  before: ['CREATE $COPY', 'CREATE $COPY2', 'COPY 1:$PART $COPY'],
  after: ['SELECT INBOX', 'DELETE $COPY', 'DELETE $COPY2'],
  quick: true,
};

export const ROWS = [
  ...Object.entries(SIZES).flatMap(([size, count]) => rowsOf(size, count)),
  // The processes are new, and what they run is not yet compiled; or they have been at it for a while.
  { name: 'mixed-first', ...MIXED, commands: 200, cold: true, once: true },
  { name: 'mixed', ...MIXED, commands: 2000 },
  { name: 'login-c1', load: 'login', who: 'virtual', connections: 1, quick: true },
  { name: 'login-c10', load: 'login', who: 'virtual', connections: 10, quick: true },
  { name: 'login-system-c10', load: 'login', who: 'system', connections: 10 },
  { name: 'idle-100', load: 'idle', who: 'virtual', connections: 100, once: true, quick: true },
  { name: 'idle-500', load: 'idle', who: 'virtual', connections: 500, once: true },
  { name: 'idle-1000', load: 'idle', who: 'virtual', connections: 1000, once: true },
  { name: 'idle-500-system', load: 'idle', who: 'system', connections: 500, once: true },
];

export function rowNames() {
  return ROWS.map(({ name }) => name);
}

/** What a run yields, in the order of the report; `best` tells which way is better. */
export const METRICS = [
  { key: 'ms', title: 'ms', best: 'low' },
  { key: 'rate', title: 'each second', best: 'high' },
  { key: 'errors', title: 'errors', best: 'low' },
  { key: 'cpu', title: 'CPU ms each', best: 'low' },
  { key: 'memory', title: 'MB', best: 'low' },
  { key: 'session', title: 'kB a session', best: 'low' },
];
