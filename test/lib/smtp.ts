// SMTP from both sides, in small: a client that says whether a message was accepted, and a server that takes it.

import { once } from 'node:events';
import { createConnection, createServer, type Server } from 'node:net';

export interface Envelope {
  readonly sender: string;
  readonly recipients: readonly string[];
}

/** One SMTP session; true when the server said 250 after the dot. A server that is not there is waited for. */
export async function submitBySmtp(port: number, mail: Envelope, text: string): Promise<boolean> {
  for (let tries = 0; tries < 40; tries++) {
    const result = await smtpSession(port, mail, text);
    if (result !== 'no server') return result;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** The same without waiting: "no server" when there was not even a greeting. */
export function smtpSession(
  port: number,
  mail: Envelope,
  text: string,
): Promise<boolean | 'no server'> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const steps = [
      'HELO client',
      `MAIL FROM:<${mail.sender}>`,
      ...mail.recipients.map((recipient) => `RCPT TO:<${recipient}>`),
      'DATA',
      `${text.replaceAll('\n', '\r\n')}.`,
    ];
    let held = '';
    let result: boolean | 'no server' = 'no server';
    socket.setTimeout(60_000, () => socket.destroy());
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

/** An SMTP server that takes everything. `onMail` gets a message; the 250 for it follows after `pause` milliseconds. */
export async function startSink(
  onMail: (recipient: string, text: string) => void,
  pause = 0,
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
          if (pause > 0) setTimeout(say, pause, '250 ok');
          else say('250 ok');
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
