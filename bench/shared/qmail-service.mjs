// What our ways to serve mail have in common: a tree whose control files name the domain's owner.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, Servers, untilGreets } from './processes.mjs';

/** `command(home)`: the words that serve on site.port with the tree at `home`; `forget(maildir)` removes what is kept of it. */
export function openQmailService(site, { greeting, command, forget = () => {} }) {
  const home = join(site.work, 'qmail');
  must(join(site.dist, 'qmail-ts'), ['setup', '--dir', home, '--hostname', `mail.${site.domain}`]);
  writeFileSync(join(home, 'control/virtualdomains'), `${site.domain}:vowner\n`);
  const env = { PATH: `${home}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, QMAILHOME: home };
  const servers = new Servers(site.work);
  return {
    async start() {
      servers.start('server', command(home), { env, cwd: '/' });
      await untilGreets(site.port, greeting);
    },
    stop: () => servers.stop(),
    processes: () => servers.pids,
    forget,
  };
}
