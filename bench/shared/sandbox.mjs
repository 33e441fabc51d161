// Inside the namespaces: what the run sees of the machine. Its own users, its own /var, the unpacked packages
// above /usr, and a loopback interface that leads nowhere else.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './processes.mjs';

/** Prepares this mount and network namespace. `layers` are unpacked packages; the first lies on top. */
export function enterSandbox(work, layers) {
  must('ip', ['link', 'set', 'lo', 'up']);
  // A copy, not an overlay: account tools want to lock and rename there, on every kernel.
  const etc = join(work, 'etc');
  must('cp', ['-a', '/etc', etc]);
  for (const { tree } of layers)
    must('sh', ['-c', `[ ! -d ${tree}/etc ] || cp -a ${tree}/etc/. ${etc}`]);
  must('mount', ['--bind', etc, '/etc']);
  writeFileSync('/etc/hosts', '127.0.0.1 localhost\n');
  // Names are in /etc/hosts or nowhere. opensmtpd's own resolver wants to be told so in its own words.
  writeFileSync('/etc/resolv.conf', 'lookup file\nnameserver 127.0.0.1\n');
  writeFileSync(
    '/etc/nsswitch.conf',
    'passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\n',
  );
  for (const path of ['/var/spool', '/var/lib', '/var/mail', '/run']) {
    const own = join(work, path.replaceAll('/', '_'));
    mkdirSync(own);
    chmodSync(own, 0o755);
    must('mount', ['--bind', own, path]);
  }
  if (layers.length === 0) return;
  const lower = [...layers.map(({ tree }) => join(tree, 'usr')), '/usr'].join(':');
  const upper = join(work, 'usr');
  for (const part of ['upper', 'work']) mkdirSync(join(upper, part), { recursive: true });
  const options = `lowerdir=${lower},upperdir=${upper}/upper,workdir=${upper}/work`;
  must('mount', ['-t', 'overlay', 'bench', '-o', options, '/usr']);
}

/** A user of the run's own, with an empty Maildir. */
export function makeUser(work, name) {
  const home = join(work, 'homes', name);
  mkdirSync(join(work, 'homes'), { recursive: true });
  must('useradd', ['-U', '-M', '-d', home, '-s', '/bin/sh', name]);
  mkdirSync(home);
  for (const part of ['cur', 'new', 'tmp'])
    mkdirSync(join(home, 'Maildir', part), { recursive: true });
  must('chown', ['-R', `${name}:${name}`, home]);
  must('chmod', ['-R', 'go-w', home]);
  return {
    name,
    home,
    uid: Number(must('id', ['-u', name])),
    gid: Number(must('id', ['-g', name])),
  };
}
