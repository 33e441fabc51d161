// Debian packages, unpacked beside the host instead of installed on it: each becomes a layer that the run
// alone sees above /usr.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Downloads each package with those of its libraries that the host lacks; returns the unpacked trees, one a
 * package, in order. Throws with what is missing.
 */
export function fetchPackages(names, dir) {
  const had = new Set();
  return names.map((name) => {
    const tree = join(dir, name, 'root');
    const debs = join(dir, name, 'debs');
    mkdirSync(tree, { recursive: true });
    mkdirSync(debs);
    const wanted = [name, ...missingLibraries(name)].filter((one) => !had.has(one));
    for (const one of wanted) had.add(one);
    // apt complains when its own user cannot write here; it then downloads as root, which will do.
    if (wanted.length > 0 && run('apt-get', ['download', '-qq', ...wanted], debs).status !== 0)
      throw new Error(
        `cannot download ${wanted.join(' ')}: is this Debian, and has apt-get update been run?`,
      );
    for (const deb of readdirSync(debs)) must('dpkg-deb', ['-x', join(debs, deb), tree], debs);
    return { name, tree, version: versionOf(name) };
  });
}

/** Libraries among the direct dependencies that the host does not have. */
function missingLibraries(name) {
  const { stdout } = must('apt-cache', ['depends', '--important', name], '/');
  const depends = [...stdout.matchAll(/^\s*\|?(?:Pre)?Depends: (lib\S+)$/gm)].map(([, lib]) => lib);
  const format = `\${Package} \${Status}\n`;
  // It fails where one of them is unknown, and tells of the others.
  const known = run('dpkg-query', ['-W', '-f', format, ...depends], '/').stdout.split('\n');
  return depends.filter((lib) => !known.includes(`${lib} install ok installed`));
}

function versionOf(name) {
  return must('apt-cache', ['show', '--no-all-versions', name], '/').stdout.match(
    /^Version: (.*)$/m,
  )?.[1];
}

function must(command, args, cwd) {
  const result = run(command, args, cwd);
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${result.stderr}`);
  return result;
}

function run(command, args, cwd) {
  return spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
}

/** The PRETTY_NAME of this system. */
export function distribution() {
  return readFileSync('/etc/os-release', 'utf8').match(/^PRETTY_NAME="?([^"\n]*)/m)?.[1];
}
