// What is measured: a table. `count` is the messages of one run, `quick` those with --quick; a row without
// `quick` is left out there.
//   load      smtp: smtp-source, `connections` at a time, `many` messages on each or one
//             inject: `connections` calls of the system's own client at a time
//   to        queue: accepted, and nothing is delivered; local: into a Maildir; remote: to smtp-sink
//   recipients of each message; 1 unless told

export const ROWS = [...smtpRows('accept', 'queue'), ...smtpRows('local', 'local'), ...otherRows()];

export function rowNames() {
  return ROWS.map(({ name }) => name);
}

function smtpRows(name, to) {
  const rows = [];
  for (const [size, bytes] of [
    ['2k', 2_000],
    ['100k', 100_000],
  ])
    for (const connections of [1, 10, 20])
      for (const many of [false, true]) {
        const count = (connections === 1 ? 60 : 200) / (size === '2k' ? 1 : 3);
        rows.push({
          name: `${name}-${size}-c${connections}${many ? '-many' : ''}`,
          load: 'smtp',
          to,
          bytes,
          connections,
          many,
          count: Math.round(count),
          ...(connections === 10 ? { quick: size === '2k' ? 100 : 40 } : {}),
        });
      }
  return rows;
}

function otherRows() {
  const inject = { load: 'inject', bytes: 2_000 };
  const remote = { load: 'smtp', to: 'remote', bytes: 2_000, connections: 20, many: true };
  return [
    { name: 'inject-2k-c10', ...inject, to: 'local', connections: 10, count: 200, quick: 50 },
    {
      name: 'list-local',
      ...inject,
      to: 'local',
      connections: 1,
      count: 1,
      recipients: 2000,
      quick: 1,
    },
    {
      name: 'list-remote',
      ...inject,
      to: 'remote',
      connections: 1,
      count: 1,
      recipients: 2000,
      quick: 1,
    },
    { name: 'remote-20', ...remote, count: 400, quick: 100 },
    { name: 'remote-120', ...remote, remoteConcurrency: 120, count: 400 },
  ];
}

/** Where a row does not say: qmail's own default for remote deliveries. */
export const REMOTE_CONCURRENCY = 20;

/** What a run yields, in the order of the report; `best` tells which way is better. */
export const METRICS = [
  { key: 'accepted', title: 'accepted/s', best: 'high' },
  { key: 'delivered', title: 'delivered/s', best: 'high' },
  { key: 'cpu', title: 'CPU ms each', best: 'low' },
  { key: 'memory', title: 'peak MB', best: 'low' },
];
