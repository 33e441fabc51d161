// From the single runs to a table: medians, and how ours compares with each peer.
import { isOurs } from './adapters.mjs';

/**
 * The report as text. `metrics`: the tables, [{ key, title, best: 'high' or 'low' }]; `peer` stands for all peers in the
 * explanation; `notes`: further lines of it; `each`: which number of a run its CPU is divided by.
 */
export function asText(result, { metrics, peer, notes = [], each }) {
  const { machine, systems, rows, rounds } = result;
  const lines = [
    `${machine.cores} x ${machine.cpu}, ${machine.memoryMB} MB; ${machine.system}, Linux ${machine.kernel}; ${machine.disk}`,
    `Node ${machine.node}; commit ${machine.commit}; ${machine.date} UTC; load at start ${machine.loadAtStart.join(' ')}`,
    `Medians of ${rounds} interleaved ${rounds === 1 ? 'round' : 'rounds'}. ~ means: cut off at ${result.limit} s.`,
    `"x ${peer}": how many times as good as ${peer} qmail-ts is; above 1 is better, for every column.`,
    ...notes,
    ...systems.map(({ name, title, from }) => `  ${name}: ${[title, ...from].join(', ')}`),
  ];
  for (const { key, title, best } of metrics) {
    const table = rows.flatMap((row) => lineOf(result, row, key, best));
    if (table.length === 0) continue;
    lines.push('', heading(title, systems), ...table);
  }
  lines.push(...partsOf(result, each));
  return `${lines.join('\n')}\n`;
}

/** The median of a metric of one row on one system; undefined if no run has it. */
function medianOf({ runs }, row, system, key) {
  const values = runs
    .filter((run) => run.row === row && run.system === system && run[key] !== undefined)
    .map((run) => run[key])
    .sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1
    ? values[middle]
    : values.length === 0
      ? undefined
      : (values[middle - 1] + values[middle]) / 2;
}

/** Where our time goes: CPU of each program for one of what `each` counts, in milliseconds, most first. */
function partsOf({ systems, rows, runs }, each) {
  const shown = systems.filter(({ name }) => isOurs(name));
  return shown.flatMap(({ name }) => [
    '',
    `CPU ms each, by program: ${name}`,
    ...rows.flatMap((row) => {
      const mine = runs.filter((run) => run.row === row.name && run.system === name && run.parts);
      const count = mine.reduce((sum, run) => sum + run[each], 0);
      const sums = new Map();
      for (const { parts } of mine)
        for (const [part, ms] of Object.entries(parts)) sums.set(part, (sums.get(part) ?? 0) + ms);
      const words = [...sums]
        .map(([part, ms]) => [part, ms / count])
        .filter(([, share]) => share >= least(sums, count))
        .sort(([, a], [, b]) => b - a)
        .map(([part, share]) => `${part} ${share < 1 ? share.toFixed(2) : share.toFixed(1)}`);
      return words.length === 0 ? [] : [`${row.name.padEnd(22)}${words.join(', ')}`];
    }),
  ]);
}

/** Parts below a fiftieth are left out. */
function least(sums, count) {
  return [...sums.values()].reduce((sum, ms) => sum + ms, 0) / count / 50;
}

function heading(title, systems) {
  const names = systems.map(({ name }) => name.padStart(width(name)));
  const ratios = peersOf(systems).map(({ name }) => `x ${name}`.padStart(width(name)));
  return [title.padEnd(22), ...names, ...(ours(systems) ? ratios : [])].join('');
}

function lineOf(result, row, key, best) {
  const { systems, runs } = result;
  const medians = new Map(systems.map(({ name }) => [name, medianOf(result, row.name, name, key)]));
  if ([...medians.values()].every((value) => value === undefined)) return [];
  const cells = systems.map(({ name }) => {
    const cut = runs.some((run) => run.row === row.name && run.system === name && run.cut);
    return (number(medians.get(name)) + (cut ? '~' : '')).padStart(width(name));
  });
  const own = medians.get(ours(systems)?.name);
  const ratios = peersOf(systems).map(({ name }) => {
    const peer = medians.get(name);
    const ratio = best === 'high' ? own / peer : peer / own;
    return (Number.isFinite(ratio) ? ratio.toFixed(2) : '-').padStart(width(name));
  });
  return [[row.name.padEnd(22), ...cells, ...(ours(systems) ? ratios : [])].join('')];
}

function ours(systems) {
  return systems.find(({ name }) => isOurs(name));
}

function peersOf(systems) {
  return systems.filter(({ name }) => !isOurs(name));
}

function width(name) {
  return Math.max(name.length + 4, 11);
}

function number(value) {
  if (value === undefined) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
