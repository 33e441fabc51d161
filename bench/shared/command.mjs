// What the commands that compare systems have in common. All they start runs in namespaces of its own (mounts,
// network, process ids), so the host's mail, users and ports are neither seen nor changed, and whatever was
// started ends with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine } from './machine.mjs';
import { fetchPackages } from './packages.mjs';
import { asText } from './report.mjs';

/**
 * Runs the comparison that the command line asks for, and prints its report. `comparison`: { name: bench/NAME/inside.mjs
 * is what to run in the namespaces, adapters, loadPackages (what the load is made with), rowNames(), options: the module
 * of parseOptions and usage, report: what asText() needs besides the result }.
 */
export async function compare(comparison) {
  const { name } = comparison;
  const known = { systems: comparison.adapters.names, rows: comparison.rowNames() };
  const options = comparison.options.parseOptions(process.argv.slice(2), known);
  const usage = () => comparison.options.usage(known);
  if (options === undefined) return giveUp(usage());
  if (options.help) return void process.stdout.write(`${usage()}\n`);
  if (process.geteuid() !== 0)
    return giveUp('only root can make the namespaces and users this needs');
  const work = mkdtempSync(join(options.scratch ?? tmpdir(), `bench-${name}-`));
  chmodSync(work, 0o755);
  try {
    const systems = await usable(options.systems, comparison.adapters);
    const about = machine(work, options.dist);
    const packages = new Set(comparison.loadPackages ?? []);
    for (const system of systems) for (const wanted of system.packages) packages.add(wanted);
    const plan = {
      ...options,
      systems: systems.map((system) => system.name),
      work,
      layers: fetchPackages([...packages], join(work, 'packages')),
    };
    const inside = join(import.meta.dirname, `../${name}/inside.mjs`);
    const result = { machine: about, ...(await inNamespaces(inside, plan, work)) };
    if (options.json !== undefined)
      writeFileSync(options.json, `${JSON.stringify(result, null, 1)}\n`);
    process.stdout.write(asText(result, comparison.report));
  } catch (error) {
    giveUp(error.message);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The adapters of those systems that can run here; says which cannot, and why. */
async function usable(names, adapters) {
  const found = [];
  for (const name of names) {
    const adapter = await adapters.load(name);
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
async function inNamespaces(inside, plan, work) {
  writeFileSync(join(work, 'plan.json'), JSON.stringify(plan));
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
