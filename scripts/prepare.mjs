// What `npm start` and `npm test` do before anything else: look at the machine, install the pinned
// packages, build the executables. Uses Node alone, no package; nothing is installed globally.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs and builds where that is not done yet. Ends the process with one clear line if it cannot. */
export function prepare() {
  process.chdir(root);
  checkNode();
  install();
  build();
}

/** Ends the process: one line that says what is wrong and what to do. */
export function giveUp(line) {
  process.stderr.write(`qmail-ts: ${line}\n`);
  process.exit(1);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    giveUp(`Node ${process.versions.node} is too old: install Node 20.19 or newer and try again.`);
  }
}

function install() {
  const stamp = join('node_modules', '.installed');
  const wanted = installKey();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  checkCompiler();
  const { packageManager } = JSON.parse(readFileSync('package.json', 'utf8'));
  step('installing packages', 'npx', ['-y', packageManager, 'install', '--frozen-lockfile'], {
    ...process.env,
    ...headersBesideNode(),
    // Where a continuous-integration variable is set, pnpm would ask nothing; make that so everywhere.
    CI: 'true',
  });
  writeFileSync(stamp, wanted);
}

/** What an installation depends on: the lock file, the manifests' scripts, and the Node it is built for. */
function installKey() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(readFileSync(file));
  return `${hash.digest('hex')} ${process.version} ${process.arch}\n`;
}

/** fs-ext is compiled on the spot; say what is missing before a page of compiler output does. */
function checkCompiler() {
  const has = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
  const compiler = process.env.CXX ?? ['c++', 'g++', 'clang++'].find(has);
  if (compiler === undefined || !has(compiler)) {
    giveUp('no C++ compiler: install one (Debian: apt install build-essential) and try again.');
  }
  for (const [command, hint] of [
    ['make', 'build-essential'],
    ['python3', 'python3'],
  ]) {
    if (!has(command))
      giveUp(`no ${command}: install it (Debian: apt install ${hint}) and try again.`);
  }
}

/** Where Node came with its headers, the compiler uses those and downloads none. */
function headersBesideNode() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/node.h')) ? { npm_config_nodedir: prefix } : {};
}

function build() {
  const built = join('bin/dist', 'package.json');
  if (existsSync(built) && newestSource() < statSync(built).mtimeMs) return;
  step(
    'building',
    process.execPath,
    [join('node_modules', 'tsup', 'dist', 'cli-default.js')],
    process.env,
  );
}

function newestSource() {
  let newest = 0;
  const visit = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (/^(node_modules|dist|\..*)$/.test(entry.name)) continue;
      const path = join(dir, entry.name);
      if (entry.isDirectory()) visit(path);
      else newest = Math.max(newest, statSync(path).mtimeMs);
    }
  };
  for (const dir of ['packages', 'bin', 'scripts']) visit(dir);
  return Math.max(newest, statSync('pnpm-lock.yaml').mtimeMs, statSync('tsup.config.ts').mtimeMs);
}

/** Runs one step quietly; its output is shown only when it fails. */
function step(what, command, args, env) {
  process.stderr.write(`qmail-ts: ${what} ...\n`);
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  giveUp(`${what} failed${error ? ` (${error.message})` : ''}: see the lines above.`);
}
