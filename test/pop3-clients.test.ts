// Each mail client in a whole session with each form of the POP3 server: the chain of programs under tcpserver and
// the resident service, in clear, with STLS and with TLS. And what no client of these does: much at once, and often.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from '@q/tls/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { CLIENTS, type Encryption, freshDirectory } from './lib/pop3-clients.ts';
import { DOMAIN, type Pop3Host, PopClient, startPop3Host } from './lib/pop3-host.ts';
import { tcpserverPort } from './lib/processes.ts';
import { installed, isRoot } from './lib/run.ts';

let host: Pop3Host;
let chain: ChildProcess;
let chainPort: number;
const keys = makeCertificate('mail.test');

describe.runIf(installed('tcpserver', 'openssl'))(
  'a mail client (needs tcpserver, openssl)',
  () => {
    beforeAll(async () => {
      const mode = isRoot ? 'root' : 'private';
      host = await startPop3Host(mode, ['--tls-listen', '127.0.0.1:0'], keys);
      const programs = ['qmail-popup', 'pop.test', 'checkvpw', 'qmail-pop3d', 'Maildir'];
      chain = spawn('tcpserver', ['-RHl0', '-1', '127.0.0.1', '0', ...programs], {
        env: { PATH: `${DIST}:${process.env.PATH}`, QMAILHOME: host.home },
        stdio: ['ignore', 'pipe', 'ignore'],
        cwd: '/',
      });
      for (let n = 1; n <= 3; n++) host.put('ben', `${n}.host`, `Subject: ${n}\n\n${n}\n`);
      chainPort = await tcpserverPort(chain);
    });
    afterAll(async () => {
      chain?.kill('SIGKILL');
      await host?.remove();
    });

    const forms = [
      ['one process each', 'plain', () => chainPort],
      ['one process each', 'STLS', () => chainPort],
      ['resident', 'plain', () => host.port],
      ['resident', 'STLS', () => host.port],
      ['resident', 'TLS', () => host.tlsPort as number],
    ] as const;

    describe.each(Object.entries(CLIENTS))('%s', (name, client) => {
      const known = forms.filter(([, encryption]) => client.knows.includes(encryption));
      test.runIf(client.there).each(known)(
        'takes the mail: %s, %s',
        async (form, encryption, port) => {
          const box = host.maildir('ann');
          const left = () =>
            ['new', 'cur'].flatMap((sub) =>
              readdirSync(join(box, sub)).map((file) => join(box, sub, file)),
            );
          // mutt leaves all mail where it is, and is asked for one message.
          const marks = (client.removes ? [1, 2] : [1]).map((n) =>
            `${n} for ${name}, ${form}, ${encryption}`.replace('’', "'"),
          );
          for (const [n, mark] of marks.entries())
            host.put('ann', `${Date.now()}.${n}.host`, `Subject: ${mark}\n\n.A line with a dot\n`);
          const dir = freshDirectory(join(host.home, 'client'));
          const got = await client.fetch(accountAt(port(), encryption), dir);
          for (const mark of marks) expect(got).toContain(`Subject: ${mark}`);
          expect(got).toMatch(/^\.A line with a dot\r?$/m);
          expect(left()).toHaveLength(client.removes ? 0 : 1);
          for (const name of left()) rmSync(name);
        },
      );
    });

    function accountAt(port: number, encryption: Encryption) {
      const user = `ann@${DOMAIN}`;
      return { port, user, password: host.users.ann as string, encryption, certificate: keys.cert };
    }

    test.each([
      ['one process each', () => chainPort, 12],
      ['resident', () => host.port, 200],
    ] as const)(
      '%s: a client that asks all at once, and comes again and again, gets each time the same',
      async (_, port, times) => {
        const words = ['STAT', 'UIDL', 'LIST', 'RETR 1', 'RETR 2', 'RETR 3', 'NOOP', 'QUIT'];
        const all = `USER ben@${DOMAIN}\nPASS ${host.users.ben}\n${words.join('\n')}\n`;
        const uids = '1 1.host\r\n2 2.host\r\n3 3.host\r\n';
        const bodies = [1, 2, 3].map((n) => `+OK \r\nSubject: ${n}\r\n\r\n${n}\r\n\r\n.\r\n`);
        const expected =
          `+OK \r\n+OK \r\n+OK 3 42\r\n+OK \r\n${uids}.\r\n` +
          `+OK \r\n1 14\r\n2 14\r\n3 14\r\n.\r\n${bodies.join('')}+OK \r\n+OK \r\n`;
        let left: number = times;
        const comeAgain = async () => {
          while (left-- > 0) {
            const client = await PopClient.open(port());
            expect(await client.finish(all)).toBe(expected);
          }
        };
        await Promise.all([1, 2, 3, 4].map(comeAgain));
      },
    );
  },
);
