// An instance whose queue is filled by writing its files, as qmail-queue and qmail-send would have: qmail-queue-format(5).
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Makes it; resolves to { home, env, uid, gid, maildir }, where uid and gid are its owner's. */
export async function makeTree(home, dist, { count, state, size, concurrency }) {
  const outer = { PATH: process.env.PATH, HOME: home };
  const ports = ['smtp', 'pop3', 'imap', 'imaps'].flatMap((name) => [`--${name}-port`, '0']);
  const instance = spawn(
    join(dist, 'qmail-ts'),
    ['start', '--dir', home, '--json', '--skip-demo', ...ports],
    { stdio: ['ignore', 'pipe', 'inherit'], env: outer },
  );
  const ended = once(instance, 'exit');
  for await (const line of createInterface(instance.stdout)) if (line.startsWith('{')) break;
  instance.kill('SIGTERM');
  const [code] = await ended;
  if (code !== 0) throw new Error(`making an instance failed: exit code ${code}`);

  const { uid, gid } = statSync(home);
  // Read here: the place may be closed to the instance's owner.
  const source = openSync(fileURLToPath(new URL('./fill.mjs', import.meta.url)), 'r');
  // It writes where the instance's owner may lay links, so not as root.
  const filler = spawn(
    process.execPath,
    ['--input-type=module', '-', JSON.stringify({ home, count, state, size, concurrency })],
    {
      stdio: [source, 'ignore', 'inherit'],
      env: {},
      cwd: home,
      uid,
      gid,
    },
  );
  const [filled] = await once(filler, 'exit');
  closeSync(source);
  if (filled !== 0) throw new Error(`filling the queue failed: exit code ${filled}`);
  // What the kernel has not written yet would be written during the measurement.
  spawnSync('sync', ['-f', home]);
  const env = { PATH: `${home}/bin:${process.env.PATH}`, QMAILHOME: home };
  return { home, env, uid, gid, maildir: join(home, 'alias/Maildir') };
}
