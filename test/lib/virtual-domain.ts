// A virtual domain for a test: a qmail tree of its own, its owner's home, and the domain tools run as that
// owner. Run as root, the owner is an unprivileged uid without an account; otherwise it is whoever runs us.

import { spawn } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCdb } from '@q/cdb';
import { compileAssign } from '@q/users';
import { DIST, openDirectory } from './instance.ts';
import { isRoot, type Ran, run, SYSTEM_PATH } from './run.ts';

export const DOMAIN = 'dom.test';
/** The domain's owner in virtualdomains and users/assign. */
const OWNER = 'owner';

export interface VirtualDomain {
  /** QMAILHOME; its etc/vmailmgr is the place of global settings and hooks. */
  readonly qmail: string;
  readonly home: string;
  readonly uid: number;
  readonly gid: number;
  readonly env: NodeJS.ProcessEnv;
  /** Runs one of our programs as the owner. */
  tool(name: string, args: readonly string[], input?: string): Promise<Said>;
  /** Runs vdeliver with `message` on fd 0, as qmail-local would for owner-EXT. */
  deliver(ext: string, options?: DeliverOptions): Promise<Said>;
  /** Writes a file that belongs to the owner; its directory is made. */
  write(path: string, content: string, mode?: number): void;
  remove(): void;
}

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface DeliverOptions {
  readonly message?: string;
  readonly args?: readonly string[];
  /** Changes to the environment; undefined takes a variable out. */
  readonly env?: NodeJS.ProcessEnv;
}

export const MESSAGE = 'Subject: hello\n\nFirst line\nFrom the \u00e9 second\n';

/** Makes the tree and an empty home; `prefix` names the scratch directory. */
export async function makeVirtualDomain(prefix: string): Promise<VirtualDomain> {
  const top = openDirectory(prefix);
  const uid = isRoot ? 47_020 : (process.getuid?.() ?? 0);
  const gid = isRoot ? 47_020 : (process.getgid?.() ?? 0);
  const qmail = join(top, 'qmail');
  const home = join(top, 'home');
  for (const dir of [home, qmail, ...['control', 'users', 'etc/vmailmgr', 'queue'].map(inQmail)])
    mkdirSync(dir, { recursive: true });
  chownSync(home, uid, gid);
  writeFileSync(inQmail('control/me'), 'mail.host.test\n');
  writeFileSync(inQmail('control/locals'), 'mail.host.test\n');
  writeFileSync(inQmail('control/virtualdomains'), `${DOMAIN}:${OWNER}\n`);
  const assign = `+${OWNER}-:${OWNER}:${uid}:${gid}:${home}:-::\n.\n`;
  await writeCdb(inQmail('users/cdb'), compileAssign(assign), { mode: 0o644 });
  const env = {
    PATH: `${DIST}:${SYSTEM_PATH}`,
    QMAILHOME: qmail,
    HOME: home,
    USER: OWNER,
  };

  function inQmail(path: string): string {
    return join(qmail, path);
  }

  function write(path: string, content: string, mode = 0o644): void {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content, { mode, encoding: 'latin1' });
    chownSync(path, uid, gid);
  }

  async function deliver(ext: string, options: DeliverOptions = {}): Promise<Said> {
    const file = join(top, 'message');
    writeFileSync(file, options.message ?? MESSAGE, 'latin1');
    const fd = openSync(file, 'r');
    try {
      return await collect(
        spawn(join(DIST, 'vdeliver'), options.args ?? [], {
          uid,
          gid,
          env: { ...env, ...deliveryVariables(ext), ...options.env },
          stdio: [fd, 'pipe', 'pipe'],
        }),
      );
    } finally {
      closeSync(fd);
    }
  }

  return {
    qmail,
    home,
    uid,
    gid,
    env,
    tool: async (name, args, input = '') =>
      said(await run(join(DIST, name), args, { env, uid, gid, input, cwd: '/' })),
    deliver,
    write,
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}

/** What qmail-local sets: qmail-command(8). */
export function deliveryVariables(ext: string): NodeJS.ProcessEnv {
  return {
    EXT: ext,
    HOST: DOMAIN,
    SENDER: 'ann@elsewhere.test',
    UFLINE: 'From ann@elsewhere.test Thu Jan 01 00:00:00 1970\n',
    RPLINE: 'Return-Path: <ann@elsewhere.test>\n',
    DTLINE: `Delivered-To: ${OWNER}-${ext}@${DOMAIN}\n`,
  };
}

function said({ code, out, err }: Ran): Said {
  return { code, out: out.toString('latin1'), err };
}

/** What a child says, and its end. */
export function collect(child: ReturnType<typeof spawn>): Promise<Said> {
  return new Promise((resolve, reject) => {
    let out = '';
    let err = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString('latin1');
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      err += chunk.toString('latin1');
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}
