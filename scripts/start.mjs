// npm start: installs, builds, and runs a private instance in ./var. `npm start -- --help` tells more.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

prepare();
const args = ['start', '--dir', join(root, 'var'), ...process.argv.slice(2)];
const child = spawn(join(root, 'bin/dist/qmail-ts'), args, { stdio: 'inherit' });
// Ctrl-C reaches the whole foreground group, kill(1) us alone: the instance stops at the first signal, and we wait for it
// to say so.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? code : 1;
});
