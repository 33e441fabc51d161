// What a domain with many users costs: a look-up, one change, a change of all, more users, and the memory of each, by the
// programs that an administrator runs. See docs/performance.md.
//   node bench/virtual-table.mjs [--users N,...] [--help]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from './shared/machine.mjs';
import { tableOf } from './virtual-table/table.mjs';

const USAGE = `usage: node bench/virtual-table.mjs [options]
  --users N,...   sizes of the table (10,1000,10000,100000)
  --tries N       how often what is short is run; the least time counts (15)
  --scratch DIR   where to work: the disk that is measured
  --dist DIR      another build
  --json          one object instead of text
Needs GNU time at /usr/bin/time. Run by root it works as root, in a home that is root's.
`;
/** A sha512-crypt hash, as most tables have them. */
const HASH = `$6$saltsaltsaltsalt$${'a'.repeat(86)}`;
/** So many users are added, with their mailboxes. */
const MORE = 1000;

const options = parse(process.argv.slice(2));
if (options === undefined) giveUp(USAGE);
else if (options.help) process.stdout.write(USAGE);
else main(options);

function main(plan) {
  const about = machine(plan.scratch, plan.dist);
  const rows = plan.users.map((users) => measure(plan, users));
  process.stdout.write(
    plan.json ? `${JSON.stringify({ machine: about, rows })}\n` : asText(about, rows),
  );
}

function measure(plan, users) {
  const home = mkdtempSync(join(plan.scratch, 'virtual-table-'));
  try {
    process.stderr.write(`bench: ${users} users\n`);
    const names = Array.from({ length: users }, (_, i) => `user${i}`);
    const table = join(home, 'passwd.cdb');
    writeFileSync(table, tableOf(names.map((name) => ({ name, hash: HASH }))), { mode: 0o600 });
    const linesOf = (list) => list.map((name) => `${name} ${HASH}\n`).join('');
    const tool = (name, args, input = '') => timed(home, join(plan.dist, name), args, input);
    const best = (name, args, code = 0) => {
      const tries = Array.from({ length: plan.tries }, () => tool(name, args));
      const wrong = tries.find((one) => one.code !== code);
      if (wrong !== undefined) throw new Error(`${name} ended with ${wrong.code}: ${wrong.said}`);
      return {
        ms: Math.min(...tries.map(({ ms }) => ms)),
        cpuMs: Math.min(...tries.map(({ cpuMs }) => cpuMs)),
        peakMB: Math.max(...tries.map(({ peakMB }) => peakMB)),
      };
    };
    const more = Array.from({ length: MORE }, (_, i) => `more${i}`);
    return {
      users,
      bytes: statSync(table).size,
      first: best('dumpvuser', [names[0]]),
      last: best('dumpvuser', [names.at(-1)]),
      missing: best('dumpvuser', ['nobody'], 1),
      listed: tool('listvdomain', ['--json']),
      oneChanged: best('vchattr', ['-c', '5', names.at(-1)]),
      allChanged: tool('vpasswds', ['--hashed', '--quiet'], linesOf(names)),
      added: tool('vaddusers', ['--hashed', '--quiet'], linesOf(more)),
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Wall and processor time in milliseconds, and the most memory in megabytes. */
function timed(home, program, args, input) {
  const report = join(home, 'time');
  writeFileSync(join(home, 'input'), input);
  const words = ['-f', '%e %U %S %M', '-o', report, 'sh', '-c', '"$0" "$@" <input >/dev/null'];
  const start = performance.now();
  const { status, stderr } = spawnSync('/usr/bin/time', [...words, program, ...args], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, QMAILHOME: home },
    encoding: 'latin1',
  });
  const ms = Math.round(performance.now() - start);
  const numbers = readFileSync(report, 'latin1').trim().split('\n').at(-1).split(' ').map(Number);
  const [, user, system, kilobytes] = numbers;
  return {
    ms,
    cpuMs: Math.round((user + system) * 1000),
    peakMB: Math.round(kilobytes / 1024),
    code: status,
    said: stderr.trim(),
  };
}

function asText(about, rows) {
  const cell = ({ ms, cpuMs, peakMB }) => `${ms} ms (${cpuMs} cpu, ${peakMB} MB)`;
  const columns = ['first', 'last', 'missing', 'oneChanged', 'allChanged', 'added', 'listed'];
  return [
    ...Object.entries(about).map(([name, value]) => `${name}: ${value}`),
    ...rows.map(({ users, bytes, ...cells }) =>
      [
        `${users} users, ${bytes} bytes`,
        ...columns.map((name) => `  ${name.padEnd(11)} ${cell(cells[name])}`),
      ].join('\n'),
    ),
    '',
  ].join('\n');
}

function parse(args) {
  const string = { type: 'string' };
  const boolean = { type: 'boolean', default: false };
  let values;
  try {
    const known = { users: string, tries: string, scratch: string, dist: string };
    ({ values } = parseArgs({ args, options: { ...known, json: boolean, help: boolean } }));
  } catch {
    return undefined;
  }
  const users = (values.users ?? '10,1000,10000,100000').split(',').map(Number);
  const tries = Number(values.tries ?? 15);
  if (!users.every((n) => n >= 1 && n <= 1_000_000) || !(tries >= 1)) return undefined;
  return {
    ...values,
    users,
    tries,
    scratch: resolve(values.scratch ?? tmpdir()),
    dist: resolve(values.dist ?? join(import.meta.dirname, '../bin/dist')),
  };
}

function giveUp(text) {
  process.stderr.write(text);
  process.exitCode = 1;
}
