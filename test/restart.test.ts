// A supervisor that is killed with -9 at any moment, while its services start too, leaves behind what the next start
// needs to know of: afterwards one set of services runs, and mail goes through it.

import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  beginInstance,
  copyPrograms,
  killSupervisor,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  stateOf,
  steadyPort,
  stopInstance,
} from './lib/instance.ts';
import { killQuietly, processesOf, until } from './lib/processes.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 8);
/** A start takes about a second on an idle machine. */
const KILLED_WITHIN = 2000;
const SERVICES = ['qmail-send', 'qmail-smtpd', 'qmail-pop3d'];

let top = '';
let instance: RunningInstance | undefined;
let impatient: NodeJS.Timeout | undefined;

afterEach(async () => {
  clearInterval(impatient);
  await removeInstance(join(top, 'var'), [instance?.supervisor]);
  await removeInstance(top, []);
});

test('kill -9 of the supervisor at any moment of a start: the next one comes up and delivers', {
  timeout: 900_000,
}, async () => {
  top = openDirectory('restart-');
  const dir = join(top, 'var');
  const programs = copyPrograms(top);
  const ports = [await steadyPort(), await steadyPort()] as const;
  const words = ['--smtp-port', String(ports[0]), '--pop3-port', String(ports[1])];
  instance = await startInstance(dir, words, {}, programs);
  impatient = setInterval(() => knock(ports[0]), 50);
  for (let round = 0; round < ROUNDS; round++) {
    killSupervisor(dir, instance.supervisor);
    const killed = beginInstance(dir, [...words, '--skip-demo'], {}, programs);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * KILLED_WITHIN));
    // A part that has just been started again by its supervisor is one it may not know of.
    const parts = processesOf(dir).filter(({ name }) => SERVICES.includes(name));
    for (const { pid } of parts) if (Math.random() < 0.5) killQuietly(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
    killSupervisor(dir, killed);
    const begun = Date.now();
    instance = await startInstance(dir, words, {}, programs); // with the demonstration
    console.log(`round ${round}: up after ${Date.now() - begun} ms`);
    expect(instance.proof, stateOf(dir)).toContain('250');
  }
  await until('one set of services runs', () =>
    ['qmail-send', 'qmail-smtpd'].every(
      (name) => processesOf(dir).filter((one) => one.name === name).length === 1,
    ),
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${stateOf(dir)}`);
  });
  clearInterval(impatient);
  expect(await stopInstance(instance)).toBe(0);
});

test('services that no supervisor has noted, and that know of none, end before new ones start', {
  timeout: 300_000,
}, async () => {
  top = openDirectory('restart-');
  const dir = join(top, 'var');
  const words = ['--smtp-port', String(await steadyPort()), '--pop3-port', '0'];
  instance = await startInstance(dir, words);
  expect(await stopInstance(instance)).toBe(0);
  const { uid, gid } = statSync(dir);
  const orphan = spawn(join(dir, 'bin/qmail-start'), ['./Maildir/'], {
    env: { PATH: `${dir}/bin:${process.env.PATH}`, QMAILHOME: dir },
    stdio: 'ignore',
    detached: true,
    uid,
    gid,
  });
  await until('it has become qmail-send', () =>
    processesOf(dir).some(({ pid, name }) => pid === orphan.pid && name === 'qmail-send'),
  );
  instance = await startInstance(dir, words);
  expect(instance.proof, stateOf(dir)).toContain('250');
  await until('the old one has ended', () => (orphan.exitCode ?? orphan.signalCode) !== null);
  await until(
    'one runs',
    () => processesOf(dir).filter(({ name }) => name === 'qmail-send').length === 1,
  );
  expect(await stopInstance(instance)).toBe(0);
});

/** A client that comes at the wrong moments, waits for a greeting and goes. */
function knock(port: number): void {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  socket.on('data', () => socket.destroy());
  socket.setTimeout(60_000, () => socket.destroy());
}
