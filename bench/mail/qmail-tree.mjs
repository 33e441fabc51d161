// What all systems with qmail's layout have in common: a QMAILHOME, qmail-start, a queue to look into.
import { chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Servers, untilGreets } from '../shared/processes.mjs';
import { profiling } from './profiling.mjs';

/** Deliveries to Maildirs at a time, for every system: what 2 to 8 cores can use. */
export const LOCAL_CONCURRENCY = 20;

/**
 * An adapter for the tree at `home`, whose smtpCommand() gives the words that serve SMTP on site.smtpPort.
 */
export function openQmail(site, { home, smtpCommand }) {
  const env = { PATH: `${home}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, QMAILHOME: home };
  Object.assign(env, profiling(site));
  const maildir = join(site.user.home, 'Maildir');
  const servers = new Servers(site.work);
  return {
    maildir,
    async start({ deliver, remoteConcurrency }) {
      writeControls(home, site, {
        local: deliver ? LOCAL_CONCURRENCY : 0,
        remote: remoteConcurrency,
      });
      writeFileSync(join(site.user.home, '.qmail-default'), './Maildir/\n');
      chownSync(join(site.user.home, '.qmail-default'), site.user.uid, site.user.gid);
      const options = { env, cwd: '/' };
      servers.start('send', [join(home, 'bin/qmail-start'), './Maildir/'], options);
      servers.start('smtpd', smtpCommand(), { ...options, env: { ...env, RELAYCLIENT: '' } });
      await untilGreets(site.smtpPort);
    },
    stop: () => servers.stop(),
    wipe() {
      // The tree's directories and its trigger stay; only messages and their parts go.
      for (const part of ['mess', 'info', 'local', 'remote', 'todo', 'intd', 'bounce', 'pid'])
        removeFiles(join(home, 'queue', part));
    },
    processes: () => servers.pids,
    queueEmpty: () => countFiles(join(home, 'queue/mess')) === 0,
    inject(sender, recipients, file) {
      const envelope = join(site.work, 'envelope');
      writeFileSync(envelope, `F${sender}\0${recipients.map((to) => `T${to}\0`).join('')}\0`);
      return `QMAILHOME=${home} exec ${home}/bin/qmail-queue <${file} 1<${envelope}`;
    },
  };
}

function writeControls(home, site, concurrency) {
  const controls = {
    me: `mail.${site.domain}`,
    locals: site.domain,
    rcpthosts: site.domain,
    smtproutes: `:127.0.0.1:${site.sinkPort}`,
    concurrencylocal: concurrency.local,
    concurrencyremote: concurrency.remote,
  };
  mkdirSync(join(home, 'control'), { recursive: true });
  for (const [name, value] of Object.entries(controls))
    writeFileSync(join(home, 'control', name), `${value}\n`);
}

function removeFiles(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) removeFiles(join(dir, entry.name));
    else rmSync(join(dir, entry.name));
  }
}

/** Files in the split directories below `dir`. */
function countFiles(dir) {
  return readdirSync(dir).reduce((sum, part) => sum + readdirSync(join(dir, part)).length, 0);
}
