// What our two ways to serve POP3 have in common: a tree whose control files name the domain's owner.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, startServer, stopServers, untilGreets } from '../shared/processes.mjs';

/** `command(home)`: the words that serve POP3 on site.port with the tree at `home`. */
export function openQmailPop3(site, command) {
  const home = join(site.work, 'qmail');
  must(join(site.dist, 'qmail-ts'), ['setup', '--dir', home, '--hostname', `mail.${site.domain}`]);
  writeFileSync(join(home, 'control/virtualdomains'), `${site.domain}:vowner\n`);
  const env = { PATH: `${home}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, QMAILHOME: home };
  let children = [];
  return {
    async start() {
      children = [startServer(site.work, 'pop3d', command(home), { env, cwd: '/' })];
      await untilGreets(site.port, '+OK');
    },
    async stop() {
      await stopServers(children);
      children = [];
    },
    processes: () => children.map(({ pid }) => pid),
    forget() {}, // nothing is kept
  };
}
