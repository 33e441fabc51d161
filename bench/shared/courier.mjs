// Debian's courier, with authdaemond and a userdb. As it comes, but for how many may connect.
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
import { must, Servers, until, untilGreets } from './processes.mjs';

/** What authdaemond and its library need, for any service. */
export const AUTH_PACKAGES = [
  'courier-base',
  'courier-authlib',
  'courier-authdaemon',
  'courier-authlib-userdb',
];

const RUN = '/run/courier/authdaemon';
const LIBRARIES = '/usr/lib:/usr/lib/courier-authlib';

/** `service`: pop3d or imapd, whose configuration and programs are used; `forget(maildir)` removes what it keeps of it. */
export function openCourier(site, { service, login, greeting, forget }) {
  must('useradd', ['--system', '-U', '-M', '-d', '/var/lib/courier', 'courier']);
  mkdirSync(RUN, { recursive: true });
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(must('id', [flag, 'courier'])));
  for (const dir of ['/run/courier', RUN]) chownSync(dir, uid, gid);
  writeUsers(Object.values(site.users).flat());
  setUserdb();
  const env = {
    ...settingsOf(`/etc/courier/${service}`),
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LD_LIBRARY_PATH: LIBRARIES,
    prefix: '/usr',
    TLS_CACHEFILE: '',
  };
  const servers = new Servers(site.work);
  return {
    async start() {
      rmSync(join(RUN, 'socket'), { force: true });
      const options = { cwd: '/usr', env };
      servers.start('authdaemond', ['/usr/lib/courier/courier-authlib/authdaemond'], options);
      await until(() => existsSync(join(RUN, 'socket')), 10_000);
      servers.start(service, commandOf(site, login, service), options);
      await untilGreets(site.port, greeting);
    },
    stop: () => servers.stop(),
    processes: () => servers.pids,
    forget,
  };
}

function commandOf({ port }, login, service) {
  const daemons = '/usr/lib/courier/courier';
  return [
    '/usr/sbin/couriertcpd',
    '-address=127.0.0.1',
    '-maxprocs=1000',
    '-maxperip=1000',
    '-nodnslookup',
    '-noidentlookup',
    String(port),
    join(daemons, login),
    ...(service === 'pop3d' ? [join(daemons, 'courierpop3d')] : ['/usr/bin/imapd']),
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
