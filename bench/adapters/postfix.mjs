// Debian's postfix, with its own delivery agents: smtpd, cleanup, qmgr, local, smtp.
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LOCAL_CONCURRENCY } from '../mail/qmail-tree.mjs';
import { must, Servers, untilGreets } from '../shared/processes.mjs';

export const title = 'postfix, its own delivery agents';
export const packages = ['postfix'];

export function missing() {
  return undefined;
}

export function open(site) {
  // The package's own place: this /etc is the run's alone, and postdrop takes no other from a user.
  const config = '/etc/postfix';
  makeAccounts();
  const servers = new Servers(site.work);
  return {
    maildir: join(site.user.home, 'Maildir'),
    async start(state) {
      writeConfig(config, site, state);
      must('postfix', ['-c', config, 'check']);
      // postfix's own front door would go on in the background; master is what it starts.
      const master = ['/usr/lib/postfix/sbin/master', '-c', config, '-d'];
      servers.start('master', master, { cwd: '/' });
      await untilGreets(site.smtpPort);
    },
    stop: () => servers.stop(),
    wipe: () => void must('postsuper', ['-c', config, '-d', 'ALL']),
    processes: () => servers.pids,
    queueEmpty: () =>
      ['maildrop', 'incoming', 'active', 'deferred'].every(
        (part) => !hasFile(join(site.work, 'spool', part)),
      ),
    inject(sender, recipients, file) {
      const list =
        recipients.length === 1 ? recipients[0] : `$(cat ${join(site.work, 'recipients')})`;
      writeFileSync(join(site.work, 'recipients'), recipients.join('\n'));
      return `exec /usr/sbin/sendmail -i -f ${sender} ${list} <${file}`;
    },
  };
}

/** What the package's own installation makes; the users are the run's alone. */
function makeAccounts() {
  must('groupadd', ['--system', 'postdrop']);
  must('useradd', [
    '--system',
    '-U',
    '-M',
    '-d',
    '/var/spool/postfix',
    '-s',
    '/usr/sbin/nologin',
    'postfix',
  ]);
  const { postdrop } = gids();
  for (const program of ['postdrop', 'postqueue']) {
    chownSync(`/usr/sbin/${program}`, 0, postdrop);
    chmodSync(`/usr/sbin/${program}`, 0o2755);
  }
}

function gids() {
  const lines = readFileSync('/etc/group', 'latin1')
    .split('\n')
    .map((line) => line.split(':'));
  return Object.fromEntries(lines.map(([name, , gid]) => [name, Number(gid)]));
}

function writeConfig(config, site, { deliver, remoteConcurrency }) {
  const settings = {
    compatibility_level: '3.6',
    queue_directory: join(site.work, 'spool'),
    data_directory: join(site.work, 'data'),
    command_directory: '/usr/sbin',
    daemon_directory: '/usr/lib/postfix/sbin',
    meta_directory: '/etc/postfix',
    shlib_directory: '/usr/lib/postfix',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    myhostname: `mail.${site.domain}`,
    mydestination: site.domain,
    mynetworks: '127.0.0.0/8',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    alias_maps: '',
    alias_database: '',
    biff: 'no',
    defer_transports: deliver ? '' : 'local',
    recipient_delimiter: '-',
    home_mailbox: 'Maildir/',
    relayhost: `[127.0.0.1]:${site.sinkPort}`,
    smtp_host_lookup: 'native',
    smtp_tls_security_level: '',
    // As many processes and as much concurrency as the row asks for, from the start.
    default_process_limit: 200,
    local_destination_concurrency_limit: LOCAL_CONCURRENCY,
    smtp_destination_concurrency_limit: remoteConcurrency,
    smtp_initial_destination_concurrency: remoteConcurrency,
    smtpd_recipient_limit: 5000,
  };
  mkdirSync(settings.queue_directory, { recursive: true });
  mkdirSync(settings.data_directory, { recursive: true });
  chownSync(settings.data_directory, uidOf('postfix'), gids().postfix);
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(join(config, 'main.cf'), lines.join(''));
  // Debian's services without chroot, on our port.
  const master = readFileSync('/usr/share/postfix/master.cf.dist', 'latin1')
    .replaceAll(/^(\S+\s+\S+\s+\S+\s+\S+\s+)y/gm, '$1n')
    .replace(/^smtp( +inet)/m, `127.0.0.1:${site.smtpPort}$1`);
  writeFileSync(join(config, 'master.cf'), master);
}

function uidOf(name) {
  return Number(must('id', ['-u', name]));
}

function hasFile(dir) {
  let entries;
  try {
    entries = readdirSync(dir);
  } catch {
    return false;
  }
  return entries.some((name) => {
    const path = join(dir, name);
    try {
      return statSync(path).isDirectory() ? hasFile(path) : true;
    } catch {
      return false; // it has just gone
    }
  });
}
