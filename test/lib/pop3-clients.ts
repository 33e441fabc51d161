// Mail clients that we did not write, each in one session that takes all mail of an account: what they got.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { installed, type Ran, run } from './run.ts';

export type Encryption = 'plain' | 'STLS' | 'TLS';

interface Account {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly encryption: Encryption;
  /** PEM; clients are told to trust it. */
  readonly certificate: string;
}

export interface Client {
  readonly there: boolean;
  /** The encryptions it knows. */
  readonly knows: readonly Encryption[];
  /** False for one that leaves the mail where it was. */
  readonly removes: boolean;
  /** Everything it fetched, as one text. `dir` is a directory of its own, empty. */
  fetch(account: Account, dir: string): Promise<string>;
}

const ALL: readonly Encryption[] = ['plain', 'STLS', 'TLS'];

export const CLIENTS: Readonly<Record<string, Client>> = {
  fetchmail: { there: installed('fetchmail'), knows: ALL, removes: true, fetch: fetchmail },
  getmail: { there: installed('getmail'), knows: ['plain', 'TLS'], removes: true, fetch: getmail },
  mutt: { there: installed('mutt', 'script'), knows: ALL, removes: false, fetch: mutt },
  curl: { there: installed('curl'), knows: ALL, removes: true, fetch: curl },
  'python’s poplib': { there: installed('python3'), knows: ALL, removes: true, fetch: poplib },
};

async function fetchmail(account: Account, dir: string): Promise<string> {
  const { port, user, password, encryption } = account;
  const tls = {
    plain: 'sslproto ""',
    STLS: 'sslproto "tls1.2+" no sslcertck',
    TLS: 'ssl no sslcertck',
  }[encryption];
  const sink = join(dir, 'got');
  const config =
    `poll 127.0.0.1 service ${port} proto pop3 uidl auth password user "${user}" ` +
    `password "${password}" ${tls} mda "cat >>${sink}"\n`;
  writeFileSync(join(dir, 'rc'), config, { mode: 0o600 });
  const words = ['-f', join(dir, 'rc'), '--nosyslog', '--pidfile', join(dir, 'pid')];
  const ran = await run('fetchmail', [...words, '-i', join(dir, 'ids')], environment(dir));
  expect(ran.code, ran.out.toString('latin1') + ran.err).toBe(0);
  return readFileSync(sink, 'latin1');
}

async function getmail(account: Account, dir: string): Promise<string> {
  const { port, user, password, encryption } = account;
  const sink = join(dir, 'got');
  const config =
    `[retriever]\ntype = SimplePOP3${encryption === 'TLS' ? 'SSL' : ''}Retriever\n` +
    `server = 127.0.0.1\nport = ${port}\nusername = ${user}\npassword = ${password}\n` +
    `[destination]\ntype = MDA_external\npath = /bin/sh\narguments = ("-c", "cat >>${sink}")\n` +
    'allow_root_commands = true\n[options]\ndelete = true\n';
  writeFileSync(join(dir, 'getmailrc'), config, { mode: 0o600 });
  ok(await run('getmail', ['--getmaildir', dir], environment(dir)));
  return readFileSync(sink, 'latin1');
}

async function mutt(account: Account, dir: string): Promise<string> {
  const { port, user, password, encryption, certificate } = account;
  const sink = join(dir, 'got');
  writeFileSync(join(dir, 'trusted'), certificate);
  const config =
    `set pop_user="${user}"\nset pop_pass="${password}"\nset pop_authenticators="user"\n` +
    `set pop_delete=no\nset ssl_force_tls=${encryption === 'plain' ? 'no' : 'yes'}\n` +
    `set ssl_starttls=${encryption === 'STLS' ? 'yes' : 'no'}\nset certificate_file=${dir}/trusted\n` +
    'set ssl_verify_host=no\nset ssl_verify_dates=no\nset mbox_type=mbox\nset confirmappend=no\n' +
    'set confirmcreate=no\nset delete=no\nset quit=yes\nset wait_key=no\nset header_cache=""\n';
  writeFileSync(join(dir, 'rc'), config, { mode: 0o600 });
  const folder = `${encryption === 'TLS' ? 'pops' : 'pop'}://127.0.0.1:${port}`;
  const push = `push "<tag-pattern>~A<enter><tag-prefix><copy-message>${sink}<enter><quit>"`;
  const command = `mutt -n -F ${dir}/rc -f ${folder} -e '${push}'`;
  const { env } = environment(dir);
  // A terminal whose input never ends: at its end script would end mutt, too.
  const terminal = 'mkfifo "$1/in" && exec script -qec "$2" /dev/null <>"$1/in"';
  const ran = await run('sh', ['-c', terminal, 'sh', dir, command], {
    env: { ...env, TERM: 'xterm' },
    seconds: 60,
  });
  expect(ran.code, ran.out.toString('latin1')).toBe(0);
  return readFileSync(sink, 'latin1');
}

async function curl(account: Account, dir: string): Promise<string> {
  const { port, user, password, encryption } = account;
  const url = `${encryption === 'TLS' ? 'pop3s' : 'pop3'}://127.0.0.1:${port}/`;
  const tls = { plain: [], STLS: ['--ssl-reqd', '-k'], TLS: ['-k'] }[encryption];
  const words = ['-sS', '-m', '60', ...tls, '-u', `${user}:${password}`];
  const ask = async (...more: readonly string[]) =>
    ok(await run('curl', [...words, ...more], environment(dir)));
  const listed = (await ask(url)).split('\r\n').flatMap((line) => line.match(/^[0-9]+/) ?? []);
  let got = '';
  for (const number of listed) got += await ask(`${url}${number}`);
  // From the last one on, so that the numbers of the others stay.
  for (const number of listed.reverse()) await ask('-I', '-X', 'DELE', `${url}${number}`);
  return got;
}

const POPLIB = `
import poplib, ssl, sys
port, user, password, encryption = int(sys.argv[1]), *sys.argv[2:]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if encryption == "TLS":
    c = poplib.POP3_SSL("127.0.0.1", port, context=context)
else:
    c = poplib.POP3("127.0.0.1", port)
if encryption == "STLS":
    c.stls(context)
assert "UIDL" in c.capa()
c.user(user)
c.pass_(password)
count, size = c.stat()
uids = [line.split()[1] for line in c.uidl()[1]]
assert count == len(uids) == len(set(uids)) == len(c.list()[1])
for n in range(1, count + 1):
    top = c.top(n, 0)[1]
    lines = c.retr(n)[1]
    assert lines[:len(top) - 1] == top[:-1]
    sys.stdout.buffer.write(b"\\n".join(lines))
    c.dele(n)
c.quit()
`;

async function poplib(account: Account, dir: string): Promise<string> {
  const { port, user, password, encryption } = account;
  const words = ['-c', POPLIB, String(port), user, password, encryption];
  return ok(await run('python3', words, environment(dir)));
}

function environment(dir: string) {
  return { env: { PATH: process.env.PATH, HOME: dir, FETCHMAILHOME: dir } };
}

function ok(ran: Ran): string {
  expect(ran.code, ran.out.toString('latin1') + ran.err).toBe(0);
  return ran.out.toString('latin1');
}

/** A directory for one run of a client. */
export function freshDirectory(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { mode: 0o700 });
  return path;
}
