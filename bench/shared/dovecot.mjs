// Debian's dovecot, with a passwd-file. Where Debian's configuration has limits below what is measured they
// are raised; besides that it is as it comes, a login process for each connection included.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, Servers, untilGreets } from './processes.mjs';

/** `protocol`: pop3 or imap; `more`: further settings. */
export function openDovecot(site, { protocol, greeting, more = '' }) {
  const run = `/run/dovecot-${site.port}`;
  const config = join(site.work, 'dovecot.conf');
  const passwd = join(site.work, 'passwd');
  for (const name of ['dovecot', 'dovenull']) makeAccount(name);
  mkdirSync(run, { mode: 0o755 });
  const users = Object.values(site.users).flat();
  writeFileSync(passwd, users.map(lineOf).join(''), { mode: 0o644 });
  writeFileSync(config, `${configOf(site, { protocol, run, passwd })}${more}`);
  const servers = new Servers(site.work);
  return {
    async start() {
      servers.start('dovecot', ['/usr/sbin/dovecot', '-F', '-c', config], { cwd: '/' });
      await untilGreets(site.port, greeting);
    },
    stop: () => servers.stop(),
    processes: () => servers.pids,
    forget(maildir) {
      for (const name of readdirSync(maildir))
        if (name.startsWith('dovecot')) rmSync(join(maildir, name), { recursive: true });
    },
  };
}

function lineOf({ name, hash, uid, gid, home, maildir }) {
  return `${name}:{CRYPT}${hash}:${uid}:${gid}::${home}::userdb_mail=maildir:${join(home, maildir)}\n`;
}

function makeAccount(name) {
  if (existsSync(`/etc/.bench-${name}`)) return;
  must('useradd', ['--system', '-U', '-M', '-d', '/nonexistent', '-s', '/usr/sbin/nologin', name]);
  writeFileSync(`/etc/.bench-${name}`, '');
}

function configOf({ port, work }, { protocol, run, passwd }) {
  return `protocols = ${protocol}
base_dir = ${run}
state_dir = ${work}
log_path = ${join(work, 'dovecot.log')}
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_username_format = %Lu
passdb {
  driver = passwd-file
  args = ${passwd}
}
userdb {
  driver = passwd-file
  args = ${passwd}
}
default_process_limit = 1000
default_client_limit = 4000
mail_max_userip_connections = 1000
service ${protocol}-login {
  inet_listener ${protocol} {
    address = 127.0.0.1
    port = ${port}
  }
}
`;
}
