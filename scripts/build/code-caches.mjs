// Makes the code caches of a fresh build (program-file.mjs): for each program what V8 has when it has merely read it; for those that
// are started for a connection, a message or a user what it has after a piece of ordinary work, so that the functions which such work
// calls are in it.
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { ORDINARY_WORK } from './ordinary-work.mjs';

const RECORDER = fileURLToPath(new URL('record-code.cjs', import.meta.url));

/** Who works when root builds: nobody. */
const NOBODY = 65534;

/** `fresh`: the directory of the programs, with their texts in lib. */
export function makeCodeCaches(fresh) {
  const lib = join(fresh, 'lib');
  for (const name of textsOf(lib)) {
    const filename = join(lib, name);
    const script = new Script(readFileSync(filename, 'latin1'), { filename });
    writeFileSync(cacheOf(filename), script.createCachedData());
  }
  const programs = new Set(readdirSync(fresh));
  const works = ORDINARY_WORK.filter(({ program }) => programs.has(program));
  const scratch = mkdtempSync(join(tmpdir(), 'code-caches-'));
  try {
    // Copies, where whoever works may write.
    const copies = join(scratch, 'programs');
    cpSync(fresh, copies, { recursive: true });
    const isRoot = process.getuid?.() === 0;
    if (isRoot) giveAll(scratch, NOBODY);
    for (const work of works) perform(work, copies, join(scratch, work.program), isRoot);
    for (const name of textsOf(lib).map(cacheOf))
      copyFileSync(join(copies, 'lib', name), join(lib, name));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Has a program do its work in a new `home`. One that fails only starts more slowly: a word of it, and on. */
function perform({ program, args, prepare, input, env }, programs, home, isRoot) {
  mkdirSync(home);
  prepare?.(home);
  const letter = join(home, 'input');
  writeFileSync(letter, input);
  if (isRoot) giveAll(home, NOBODY);
  const stdin = openSync(letter, 'r');
  const done = spawnSync(
    process.execPath,
    ['--require', RECORDER, join(programs, program), ...args(home)],
    {
      cwd: home,
      stdio: [stdin, 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: home,
        ...env?.(home),
        ...(isRoot && { RECORD_UID: `${NOBODY}` }),
      },
      timeout: 60_000,
    },
  );
  closeSync(stdin);
  if (done.status !== 0)
    process.stderr.write(
      `build: ${program} starts more slowly than it could: ${done.error ?? done.stderr}\n`,
    );
}

function textsOf(lib) {
  return readdirSync(lib).filter((name) => name.endsWith('.cjs'));
}

function cacheOf(text) {
  return text.replace(/cjs$/, 'cache');
}

function giveAll(path, uid) {
  for (const entry of ['', ...readdirSync(path, { recursive: true })])
    chownSync(join(path, entry), uid, uid);
}
