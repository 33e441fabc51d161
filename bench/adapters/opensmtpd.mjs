// Debian's opensmtpd. Its spool, socket and users are compiled in; the run has those paths for itself.
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, Servers, untilGreets } from '../shared/processes.mjs';

export const title = 'opensmtpd, its own delivery agents';
export const packages = ['opensmtpd'];

const SPOOL = '/var/spool/smtpd';

export function missing() {
  return undefined;
}

export function open(site) {
  makeAccounts();
  const config = join(site.work, 'smtpd.conf');
  const servers = new Servers(site.work);
  return {
    maildir: join(site.user.home, 'Maildir'),
    async start({ deliver, remoteConcurrency }) {
      writeConfig(config, site, remoteConcurrency);
      const words = deliver ? [] : ['-P', 'mda'];
      servers.start('smtpd', ['/usr/sbin/smtpd', '-F', '-f', config, ...words], { cwd: '/' });
      await untilGreets(site.smtpPort);
    },
    stop: () => servers.stop(),
    wipe() {
      for (const part of ['queue', 'incoming', 'temporary'])
        must('sh', ['-c', `rm -rf ${SPOOL}/${part}/*`]);
    },
    processes: () => servers.pids,
    queueEmpty: () =>
      ['queue', 'incoming', 'temporary'].every((part) => !hasMessage(join(SPOOL, part))),
    inject(sender, recipients, file) {
      const list =
        recipients.length === 1 ? recipients[0] : `$(cat ${join(site.work, 'recipients')})`;
      writeFileSync(join(site.work, 'recipients'), recipients.join('\n'));
      // smtpctl is sendmail when it is called so. Its file name is taken by postfix in this run.
      return `exec ${join(site.work, 'sendmail')} -i -f ${sender} ${list} <${file}`;
    },
  };

  function makeAccounts() {
    for (const user of ['opensmtpd', 'opensmtpq'])
      must('useradd', [
        '--system',
        '-U',
        '-M',
        '-d',
        '/var/lib/opensmtpd/empty',
        '-s',
        '/usr/sbin/nologin',
        user,
      ]);
    mkdirSync('/var/lib/opensmtpd/empty', { recursive: true });
    const queueGid = Number(must('id', ['-g', 'opensmtpq']));
    chownSync('/usr/sbin/smtpctl', 0, queueGid);
    chmodSync('/usr/sbin/smtpctl', 0o2755);
    must('ln', ['-s', '/usr/sbin/smtpctl', join(site.work, 'sendmail')]);
  }
}

function writeConfig(config, site, remoteConcurrency) {
  if (!existsSync('/etc/mailname')) writeFileSync('/etc/mailname', `mail.${site.domain}\n`);
  writeFileSync(
    config,
    `smtp limit max-mails 100000
smtp limit max-rcpt 5000
smtp sub-addr-delim '-'
mta limit max-conn-per-host ${remoteConcurrency}
mta limit max-conn-per-connector ${remoteConcurrency}
mta limit max-conn-per-relay ${remoteConcurrency}
mta limit max-conn-per-domain ${remoteConcurrency}
mta limit max-conn-per-source ${remoteConcurrency}
mta limit max-conn-per-route ${remoteConcurrency}
listen on 127.0.0.1 port ${site.smtpPort}
listen on socket
action "local" maildir
action "relay" relay host smtp://127.0.0.1:${site.sinkPort}
match from any for domain "${site.domain}" action "local"
match from any for any action "relay"
`,
    { mode: 0o600 },
  );
}

/** A message's directory or file, below a hashed directory or at once. */
function hasMessage(dir) {
  try {
    return readdirSync(dir, { recursive: true, withFileTypes: true }).some((entry) =>
      entry.isFile(),
    );
  } catch {
    return false; // not made yet, or just gone
  }
}
