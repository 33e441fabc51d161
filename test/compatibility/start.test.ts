// qmail-start as run scripts call it: under supervise, with a logger in splogger's place, and with spawners that are
// tiny scripts which say what C qmail's are recorded to say. Mail goes in by a qmail-queue and out by a .qmail file.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClassicHost } from '../lib/classic-host.ts';
import { DIST } from '../lib/instance.ts';
import { killQuietly, processesOf, until } from '../lib/processes.ts';
import { installed, run } from '../lib/run.ts';

/** In splogger's place: lines in, lines with a tag out. */
const LOGGER =
  'tag="$1"; while IFS= read -r line; do echo "$tag: $line"; done >>"$QMAILHOME/logged"\n';

let host: ClassicHost;
let supervise: ChildProcess | undefined;
let started: ChildProcess | undefined;

beforeEach(() => {
  host = new ClassicHost({ locals: 'mail.test\n' });
  host.directory('run');
  host.script('bin/splogger', LOGGER);
  host.file('logged', '');
});
afterEach(async () => {
  if (supervise?.pid !== undefined) killQuietly(supervise.pid, 'SIGKILL');
  supervise = undefined;
  started = undefined;
  await until('no process is left', () => {
    const left = processesOf(host.home);
    for (const { pid } of left) killQuietly(pid, 'SIGKILL');
    return left.length === 0;
  });
  host.remove();
});

const logged = () => readFileSync(join(host.home, 'logged'), 'latin1');

function as() {
  return { env: host.env, uid: host.uid, gid: host.gid };
}

async function enqueue(recipient: string): Promise<void> {
  const child = spawn(join(DIST, 'qmail-queue'), [], {
    ...as(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin?.end('Subject: x\n\nhello\n');
  (child.stdout as unknown as NodeJS.WritableStream).end(`Fjoe@far.test\0T${recipient}\0\0`);
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
}

const processNamed = (name: string) => processesOf(host.home).find((one) => one.name === name);

describe('with spawners that are scripts', () => {
  /** Says 120, keeps what it hears and where its descriptors lead, answers once, ends with its input. */
  const spawner = (report: string) =>
    `printf '\\170'
fds=$(readlink /proc/$$/fd/0 /proc/$$/fd/1)
echo "$fds" >"$QMAILHOME/$(basename $0).fds"
echo "$*" >"$QMAILHOME/$(basename $0).args"
head -c $(cat "$QMAILHOME/bytes") >"$QMAILHOME/$(basename $0).heard"
printf '${report}'
cat >/dev/null
`;

  test('six pipes, the log, and the default delivery are where they must be', async () => {
    const path = host.directory('scripts');
    host.script('scripts/qmail-lspawn', spawner('\\000Kdid 1+0+0\\n\\000'));
    host.script('scripts/qmail-rspawn', spawner('\\000Knever\\n\\000'));
    await enqueue('ann@mail.test');
    const [id] = readdirSync(join(host.home, 'queue/todo')) as [string];
    const command = `\0${Number(id) % 23}/${id}\0joe@far.test\0ann@mail.test\0`;
    host.file('bytes', `${command.length}\n`);
    started = spawn(join(DIST, 'qmail-start'), ['./Maildir/', 'splogger', 'qmail'], {
      ...as(),
      env: { ...host.env, PATH: `${path}:${host.home}/bin:${host.env.PATH}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const { pid } = started;
    await until('the end of the message', () => logged().includes(`end msg ${id}\n`));
    expect(logged().split('\n')).toEqual(
      expect.arrayContaining([
        'qmail: status: local 0/10 remote 0/20',
        `qmail: new msg ${id}`,
        expect.stringMatching(
          `^qmail: info msg ${id}: bytes \\d+ from <joe@far.test> qp \\d+ uid ${host.uid}$`,
        ),
        `qmail: starting delivery 1: msg ${id} to local ann@mail.test`,
        'qmail: delivery 1: success: did_1+0+0/',
      ]),
    );
    const told = (name: string) => readFileSync(join(host.home, name), 'latin1');
    expect(told('qmail-lspawn.heard')).toBe(command);
    expect(told('qmail-lspawn.args')).toBe('./Maildir/\n');
    expect(told('qmail-rspawn.args')).toBe('\n');
    // qmail-send has qmail-start's pid; 1 and 2 are qmail-lspawn's pipes, 3 and 4 qmail-rspawn's.
    expect(processNamed('qmail-send')?.pid).toBe(pid);
    const fd = (n: number) => readlinkSync(`/proc/${pid}/fd/${n}`);
    expect(told('qmail-lspawn.fds')).toBe(`${fd(1)}\n${fd(2)}\n`);
    expect(told('qmail-rspawn.fds')).toBe(`${fd(3)}\n${fd(4)}\n`);
    const clean = processNamed('qmail-clean')?.pid;
    expect([0, 1].map((n) => readlinkSync(`/proc/${clean}/fd/${n}`))).toEqual([fd(5), fd(6)]);
    const ended = once(started, 'exit');
    started.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
    await until('the last line', () => logged().includes('qmail: status: exiting\n'));
    await until('all have ended', () => processesOf(host.home).length === 0);
  });
});

describe.runIf(installed('supervise', 'svc', 'svstat'))(
  'under supervise (needs daemontools)',
  () => {
    test('mail is delivered; svc -a tries again, svc -t restarts, svc -d stops, each with what it says', async () => {
      const home = host.directory('joe');
      const { uid, gid } = host;
      host.file('users/assign', `+:joe:${uid}:${gid}:${home}:-::\n.\n`);
      expect((await run(join(DIST, 'qmail-newu'), [], as())).code).toBe(0);
      host.file('joe/.qmail-ann', `|test -e open || exit 111\n./Mailbox\n`);
      const service = host.directory('service');
      host.script(
        'service/run',
        `exec env - PATH="${host.home}/bin:${DIST}:$PATH" QMAILHOME="${host.home}" \\\n` +
          'qmail-start ./Mailbox splogger qmail\n',
      );
      mkdirSync(join(service, 'supervise'), { mode: 0o700 });
      chownSync(join(service, 'supervise'), uid, gid);
      supervise = spawn('supervise', [service], { ...as(), stdio: 'inherit' });
      const svc = async (...words: string[]) =>
        expect((await run('svc', [...words, service], as())).code).toBe(0);
      const pidOf = async () => {
        const { out } = await run('svstat', [service], as());
        return Number(/up \(pid (\d+)\)/.exec(out.toString())?.[1]);
      };

      await until('it is up', () => logged().includes('qmail: status: local 0/10 remote 0/20\n'));
      const first = await pidOf();
      expect(processNamed('qmail-send')?.pid).toBe(first);

      await enqueue('ann@mail.test');
      await until('a deferral', () => /^qmail: delivery 1: deferral: $/m.test(logged()));
      host.file('joe/open', '');
      await svc('-a');
      await until('the delivery', () => existsSync(join(home, 'Mailbox')));
      await until('its end', () => logged().includes('qmail: end msg'));

      await svc('-t');
      await until('the first has ended', () => logged().includes('qmail: status: exiting\n'));
      await until('another one', async () => {
        const pid = await pidOf();
        return pid > 0 && pid !== first;
      });
      await enqueue('ann@mail.test');
      await until(
        'a second delivery',
        () =>
          (readFileSync(join(home, 'Mailbox'), 'latin1').match(/^Subject: x$/gm) ?? []).length ===
          2,
      );

      await svc('-d');
      await until('it has ended again', () => logged().split('status: exiting\n').length === 3);
      const over = once(supervise, 'exit');
      await svc('-x');
      await over;
      await until('nobody is left', () => processesOf(host.home).length === 0);
    });
  },
);
