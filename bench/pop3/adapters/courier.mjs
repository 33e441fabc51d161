// Debian's courier-pop, with authdaemond and a userdb. As it comes, but for how many may connect.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { must, startServer, stopServers, until, untilGreets } from '../../shared/processes.mjs';

export const title = 'courier-pop, authdaemond with userdb';
export const packages = [
  'courier-pop',
  'courier-base',
  'courier-authlib',
  'courier-authdaemon',
  'courier-authlib-userdb',
];

const RUN = '/run/courier/authdaemon';
const LIBRARIES = '/usr/lib:/usr/lib/courier-authlib';

export function missing() {
  return undefined;
}

export function open(site) {
  must('useradd', ['--system', '-U', '-M', '-d', '/var/lib/courier', 'courier']);
  mkdirSync(RUN, { recursive: true });
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(must('id', [flag, 'courier'])));
  for (const dir of ['/run/courier', RUN]) chownSync(dir, uid, gid);
  writeUsers(Object.values(site.users).flat());
  setUserdb();
  const env = {
    ...settingsOf('/etc/courier/pop3d'),
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LD_LIBRARY_PATH: LIBRARIES,
    prefix: '/usr',
    TLS_CACHEFILE: '',
  };
  let children = [];
  return {
    async start() {
      rmSync(join(RUN, 'socket'), { force: true });
      const options = { cwd: '/usr', env };
      children = [
        startServer(
          site.work,
          'authdaemond',
          ['/usr/lib/courier/courier-authlib/authdaemond'],
          options,
        ),
      ];
      await until(() => existsSync(join(RUN, 'socket')), 10_000);
      children.push(startServer(site.work, 'pop3d', commandOf(site), options));
      await untilGreets(site.port, '+OK');
    },
    async stop() {
      await stopServers(children);
      children = [];
    },
    processes: () => children.map(({ pid }) => pid),
    forget(maildir) {
      rmSync(join(maildir, 'courierpop3dsizelist'), { force: true });
    },
  };
}

function commandOf({ port }) {
  const daemons = '/usr/lib/courier/courier';
  return [
    '/usr/sbin/couriertcpd',
    '-address=127.0.0.1',
    '-maxprocs=1000',
    '-maxperip=1000',
    '-nodnslookup',
    '-noidentlookup',
    String(port),
    join(daemons, 'courierpop3login'),
    join(daemons, 'courierpop3d'),
    'Maildir',
  ];
}

/** userdb(8), and the index that makeuserdb(8) makes of it. */
function writeUsers(users) {
  const lines = users.map(
    ({ name, hash, uid, gid, home, maildir }) =>
      `${name}\thome=${home}|mail=${join(home, maildir)}|uid=${uid}|gid=${gid}|systempw=${hash}\n`,
  );
  writeFileSync('/etc/courier/userdb', lines.join(''), { mode: 0o600 });
  must('/usr/sbin/makeuserdb', [], {
    env: { PATH: '/usr/sbin:/usr/bin:/bin', LD_LIBRARY_PATH: LIBRARIES },
  });
}

function setUserdb() {
  const file = '/etc/courier/authdaemonrc';
  const text = readFileSync(file, 'latin1');
  writeFileSync(file, text.replace(/^authmodulelist=.*$/m, 'authmodulelist="authuserdb"'));
  chmodSync(file, 0o644);
}

/** NAME=VALUE lines of a file that is meant for a shell. */
function settingsOf(file) {
  const lines = readFileSync(file, 'latin1').matchAll(/^(\w+)="?([^"\n]*)"?$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
}
