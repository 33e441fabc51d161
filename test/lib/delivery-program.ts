// Runs a program as a .qmail file would: the message as a file on descriptor 0, the variables of a delivery,
// and a queue that keeps what it is given.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIST, openDirectory } from './instance.ts';
import { SYSTEM_PATH } from './run.ts';
import { collect, type Said } from './virtual-domain.ts';

export const SENDER = 'ann@elsewhere.test';
export const RECIPIENT = 'joe@host.test';
export const DELIVERED_TO = `Delivered-To: ${RECIPIENT}\n`;
export const RETURN_PATH = `Return-Path: <${SENDER}>\n`;
export const FROM_LINE = `From ${SENDER} Thu Jan 01 00:00:00 1970\n`;
export const MESSAGE = 'Subject: hello\n\nFirst line\nFrom the \u00e9 second\n';

export interface Queued {
  /** Latin1. */
  readonly message: string;
  readonly sender: string;
  readonly recipients: readonly string[];
}

export class DeliveryProgram {
  /** QMAILHOME, and where the program starts. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(prefix: string) {
    this.home = openDirectory(prefix);
    mkdirSync(join(this.home, 'bin'));
    // $QQ is its exit code; what $QQTEXT says goes to descriptor 6.
    this.file(
      'bin/qmail-queue',
      `#!/bin/sh\ncat >"$QMAILHOME/message"\ncat <&1 >"$QMAILHOME/envelope"\n` +
        `printf %s "$QQTEXT" >&6\nexit \${QQ:-0}\n`,
      0o755,
    );
    this.env = {
      PATH: `${DIST}:${SYSTEM_PATH}`,
      QMAILHOME: this.home,
      HOME: this.home,
      USER: 'joe',
      LOCAL: 'joe',
      HOST: 'host.test',
      RECIPIENT,
      SENDER,
      NEWSENDER: SENDER,
      UFLINE: FROM_LINE,
      RPLINE: RETURN_PATH,
      DTLINE: DELIVERED_TO,
    };
  }

  file(name: string, content: string | Buffer, mode = 0o644): string {
    const path = join(this.home, name);
    writeFileSync(path, typeof content === 'string' ? Buffer.from(content, 'latin1') : content, {
      mode,
    });
    return path;
  }

  /** `env` changes the environment; undefined takes a variable out. */
  async run(
    name: string,
    args: readonly string[] = [],
    { message = MESSAGE, env = {} }: { message?: string | Buffer; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Said> {
    const fd = openSync(this.file('input', message), 'r');
    try {
      return await collect(
        spawn(join(DIST, name), args, {
          cwd: this.home,
          env: { ...this.env, ...env },
          stdio: [fd, 'pipe', 'pipe'],
        }),
      );
    } finally {
      closeSync(fd);
    }
  }

  /** What the queue got last, which it then forgets; undefined if nothing. */
  queued(): Queued | undefined {
    try {
      const message = readFileSync(join(this.home, 'message'), 'latin1');
      const [sender = '', ...rest] = readFileSync(join(this.home, 'envelope'), 'latin1').split(
        '\0',
      );
      for (const name of ['message', 'envelope']) rmSync(join(this.home, name));
      const recipients = rest.slice(0, -2).map((text) => text.slice(1));
      return { message, sender: sender.slice(1), recipients };
    } catch {
      return undefined;
    }
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
