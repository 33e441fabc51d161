// Start-up CPU of each executable as a ratio to an empty Node script, in interleaved runs.
//   node bench/startup.mjs [ROUNDS] [--json]
// What is measured: user plus system time of the process, from start to its own first answer or refusal
// (a call that ends at once). Ratios, not times: other work on the machine hits all rows alike.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

const rounds = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 15);
const dist = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../bin/dist');
const work = mkdtempSync(join(tmpdir(), 'startup-'));
const empty = join(work, 'empty.cjs');
writeFileSync(empty, '');

// How to make a program load everything of its ordinary path and then end: most do on a missing argument,
// an empty input or a missing home.
const ending = {
  'qmail-smtpd': [],
  'qmail-pop3d': ['/nonexistent'],
  'qmail-popup': ['host', 'true'],
  'qmail-local': ['--', 'u', '/nonexistent', 'u', '', '', 'd', 's', './Maildir/'],
  'qmail-remote': ['host'],
  checkvpw: [],
  vdeliver: [],
  'qmail-queue': [],
};
const programs = readdirSync(dist).filter(
  (name) => statSync(join(dist, name)).isFile() && !name.includes('.'),
);
const rows = new Map([['(empty script)', []], ...programs.map((name) => [name, []])]);

for (let round = 0; round < rounds; round++) {
  for (const name of rows.keys()) rows.get(name).push(cpuOf(name));
}
rmSync(work, { recursive: true });

const base = median(rows.get('(empty script)'));
const table = [...rows].map(([name, times]) => ({
  name,
  cpuMs: Number(median(times).toFixed(1)),
  ratio: Number((median(times) / base).toFixed(2)),
}));
if (process.argv.includes('--json')) {
  console.log(
    JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds, rows: table }),
  );
} else {
  console.log(
    `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model}, ${rounds} interleaved rounds\n`,
  );
  for (const row of table)
    console.log(
      `${row.name.padEnd(18)}${String(row.cpuMs).padStart(8)} ms CPU ${row.ratio.toFixed(2).padStart(7)}`,
    );
}

/** User plus system time of one run, in milliseconds. */
function cpuOf(name) {
  const args = name === '(empty script)' ? [empty] : [join(dist, name), ...(ending[name] ?? [])];
  // bash's `times` counts the CPU of its finished children.
  const script = '"$@" <&- >/dev/null 2>&1; times';
  const { stdout } = spawnSync('bash', ['-c', script, 'sh', process.execPath, ...args], {
    encoding: 'latin1',
    env: { PATH: process.env.PATH, QMAILHOME: work, TMPDIR: work },
    cwd: work,
    timeout: 20_000,
  });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, m) => sum + Number(m[1]) * 60_000 + Number(m[2]) * 1000,
    0,
  );
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
