// Measures this mail system beside others on one machine, in one run: see docs/performance.md.
//   node bench/mail.mjs [--quick] [--only ROW,...] [--system NAME,...] [--rounds N] [--json FILE]
// Needs root. Everything runs in namespaces of its own (mounts, network, process ids), so the host's mail,
// users and ports are neither seen nor changed, and whatever was started ends with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adapterNames, loadAdapter } from './adapters/index.mjs';
import { machine } from './mail/machine.mjs';
import { parseOptions, usage } from './mail/options.mjs';
import { fetchPackages } from './mail/packages.mjs';
import { asText } from './mail/report.mjs';
import { rowNames } from './mail/rows.mjs';

/** What the load is made with, whoever is measured. */
const LOAD_PACKAGES = ['postfix'];

await main();

async function main() {
  const known = { systems: adapterNames(), rows: rowNames() };
  const options = parseOptions(process.argv.slice(2), known);
  if (options === undefined) return giveUp(usage(known));
  if (options.help) return void process.stdout.write(`${usage(known)}\n`);
  if (process.geteuid() !== 0)
    return giveUp('only root can make the namespaces and users this needs');
  const work = mkdtempSync(join(options.scratch ?? tmpdir(), 'bench-mail-'));
  chmodSync(work, 0o755);
  try {
    const systems = await usable(options.systems);
    const about = machine(work, options.dist);
    const packages = [
      ...new Set([...LOAD_PACKAGES, ...systems.flatMap(({ packages }) => packages)]),
    ];
    const names = systems.map(({ name }) => name);
    const plan = {
      ...options,
      systems: names,
      work,
      layers: fetchPackages(packages, join(work, 'packages')),
    };
    const result = { machine: about, ...(await inNamespaces(plan, work)) };
    if (options.json !== undefined)
      writeFileSync(options.json, `${JSON.stringify(result, null, 1)}\n`);
    process.stdout.write(asText(result));
  } catch (error) {
    giveUp(error.message);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The adapters of those systems that can run here; says which cannot, and why. */
async function usable(names) {
  const found = [];
  for (const name of names) {
    const adapter = await loadAdapter(name);
    const missing = adapter.missing();
    if (missing === undefined) found.push({ name, packages: adapter.packages });
    else process.stderr.write(`bench: ${name} is left out: ${missing}\n`);
  }
  if (found.length === 0) throw new Error('no system left to measure');
  return found;
}

/**
 * Runs the plan where nothing of the host can be touched. Nothing outlives it: the run ends when our end of its
 * fd 0 closes, however we end, and with process 1 of its namespace ends all that it has started.
 */
async function inNamespaces(plan, work) {
  writeFileSync(join(work, 'plan.json'), JSON.stringify(plan));
  const inside = fileURLToPath(new URL('./mail/inside.mjs', import.meta.url));
  const own = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const child = spawn(
    'unshare',
    [...own, '--propagation', 'private', process.execPath, inside, join(work, 'plan.json')],
    { stdio: ['pipe', 'inherit', 'inherit'] },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => child.stdin.destroy());
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error('the run did not come to its end');
  return JSON.parse(readFileSync(join(work, 'result.json'), 'utf8'));
}

function giveUp(line) {
  process.stderr.write(`bench: ${line}\n`);
  process.exitCode = 1;
}
