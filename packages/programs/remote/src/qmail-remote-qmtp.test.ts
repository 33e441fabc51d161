// qmail-remote as a process, against QMTP servers.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type QmtpScript, startQmtpServer } from './testing/qmtp-server.ts';
import { type Attempt, MESSAGE, RemoteTree } from './testing/remote-tree.ts';

let tree: RemoteTree;
beforeAll(async () => {
  tree = await RemoteTree.make();
});
afterAll(() => tree.remove());
afterEach(() => tree.closeServers());

describe('by QMTP', () => {
  const ok = 'Kok 1000 qp 5';

  async function qmtpTo(answers: QmtpScript, attempt: Attempt = {}) {
    const server = await startQmtpServer(answers);
    tree.keep(server);
    tree.control('qmtproutes', `x.example:127.0.0.1:${server.port}`);
    const reports = await tree.send(attempt);
    tree.control('qmtproutes', undefined);
    return { reports, server };
  }

  test('a message goes as it lies in the file, with a last line or without', async () => {
    for (const message of [MESSAGE, 'a\r\n\xe9 half', '', 'x'.repeat(200_000)]) {
      const { reports, server } = await qmtpTo([ok], { message, recipients: ['b "b"@x.example'] });
      expect(reports).toEqual([
        'r',
        `K127.0.0.1 accepted message.\nRemote host said: ok 1000 qp 5\n`,
      ]);
      expect(server.messages).toEqual([
        { content: `\n${message}`, sender: 'ann@client.example', recipients: ['b "b"@x.example'] },
      ]);
    }
  });

  test('each recipient has its own answer', async () => {
    const { reports } = await qmtpTo([ok, 'Dno such user', 'Zfull', 'what?'], {
      recipients: ['a@x', 'b@x', 'c@x', 'd@x'],
    });
    expect(reports).toEqual([
      'r',
      'h127.0.0.1 does not like recipient.\nRemote host said: no such user\n',
      's127.0.0.1 does not like recipient.\nRemote host said: full\n',
      's127.0.0.1 does not like recipient.\nRemote host said: hat?\n',
      'K127.0.0.1 accepted message.\nRemote host said: ok 1000 qp 5\n',
    ]);
    expect((await qmtpTo(['Dno'])).reports.at(-1)).toBe('DGiving up on 127.0.0.1.\n');
  });

  test('a server that hangs up may have taken the message, and one that talks nonsense too', async () => {
    const died = 'ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\n';
    expect((await qmtpTo('close')).reports).toEqual([died]);
    expect((await qmtpTo('220 hello\r\n')).reports).toEqual([died]);
    const half = await qmtpTo([ok], { recipients: ['a@x', 'b@x'] });
    expect(half.reports[0]).toBe('r');
    expect(half.reports[1]).toBe(`s${died.slice(1)}`);
    expect(half.reports[2]).toMatch(/^K/);
  });

  test('a pipe cannot be sent: its size is not known beforehand', async () => {
    expect((await qmtpTo([ok], { throughPipe: true })).reports[0]).toMatch(
      /^ZSorry, I can send only/,
    );
  });
});
