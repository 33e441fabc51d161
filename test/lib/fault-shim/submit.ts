// Ways for a message to go in: over SMTP, and by a program of its own. Each tells whether it was accepted.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';

export interface Envelope {
  readonly sender: string;
  readonly recipients: readonly string[];
}

/** One SMTP session; true when the server said 250 after the dot. A server that is not there is waited for. */
export async function submitBySmtp(port: number, mail: Envelope, text: string): Promise<boolean> {
  for (let tries = 0; tries < 40; tries++) {
    const result = await session(port, mail, text);
    if (result !== 'no server') return result;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

function session(port: number, mail: Envelope, text: string): Promise<boolean | 'no server'> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const steps = [
      'HELO fault',
      `MAIL FROM:<${mail.sender}>`,
      ...mail.recipients.map((recipient) => `RCPT TO:<${recipient}>`),
      'DATA',
      `${text.replaceAll('\n', '\r\n')}.`,
    ];
    let held = '';
    let result: boolean | 'no server' = 'no server';
    socket.setTimeout(30_000, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(result));
    socket.on('data', (chunk) => {
      if (result === 'no server') result = false;
      held += chunk.toString('latin1');
      for (let end = held.indexOf('\r\n'); end >= 0; end = held.indexOf('\r\n')) {
        const reply = held.slice(0, end);
        held = held.slice(end + 2);
        const step = steps.shift();
        if (!/^[23]/.test(reply)) socket.destroy();
        else if (step !== undefined) socket.write(`${step}\r\n`);
        else {
          result = true;
          socket.end('QUIT\r\n');
        }
      }
    });
  });
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
}

/** Runs a program with `inputs` in files as its fd 0 and, where there are two, fd 1; else fd 1 is its output. */
export async function run(
  command: Command,
  inputs: readonly [string] | readonly [string, string],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const { file, args, env, cwd, uid, gid } = command;
  const fds = inputs.map((text) => openText(cwd, text));
  const stdio = [fds[0] ?? 'ignore', fds[1] ?? 'pipe', 'ignore'] as const;
  const child = spawn(file, args, { env, cwd, uid, gid, stdio: [...stdio] });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
  });
  const [code] = await once(child, 'close');
  for (const fd of fds) closeSync(fd);
  return { code, output };
}

let files = 0;

function openText(dir: string, text: string): number {
  const path = join(dir, `input.${process.pid}.${++files}`);
  writeFileSync(path, text, 'latin1');
  const fd = openSync(path, 'r');
  rmSync(path);
  return fd;
}

/** An SMTP server that takes everything. `onMail` gets a message once its 250 is on its way. */
export async function startSink(
  onMail: (recipient: string, text: string) => void,
): Promise<Server> {
  const server = createServer((socket) => {
    let held = '';
    let recipients: string[] = [];
    let inData = false;
    const say = (line: string) => socket.write(`${line}\r\n`);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      held += chunk.toString('latin1');
      for (;;) {
        const mark = inData ? '\r\n.\r\n' : '\r\n';
        const end = held.indexOf(mark);
        if (end < 0) return;
        const line = held.slice(0, end);
        held = held.slice(end + mark.length);
        if (inData) {
          const text = `${line}\r\n`.replaceAll('\r\n', '\n').replaceAll(/^\.\./gm, '.');
          say('250 ok');
          for (const recipient of recipients) onMail(recipient, text);
        } else say(line === 'DATA' ? '354 go' : '250 ok');
        if (line.startsWith('QUIT')) socket.end();
        if (line.startsWith('MAIL')) recipients = [];
        const to = /^RCPT TO:<(.*)>/.exec(line)?.[1];
        if (to !== undefined) recipients.push(to);
        inData = !inData && line === 'DATA';
      }
    });
    say('220 sink');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
