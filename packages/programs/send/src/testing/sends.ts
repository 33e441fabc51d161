// For a test file: qmail-send built once, and for each test an instance, with however many qmail-sends it starts.

import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { buildPrograms, Instance } from './instance.ts';
import { RunningSend, type SendOptions } from './running-send.ts';

export interface Sends {
  /** That of the test that runs. */
  readonly instance: Instance;
  start(options?: SendOptions): RunningSend;
}

/** Sets the hooks of the calling file: nothing that a test starts is left after it. */
export function useSends(): Sends {
  let bin: string;
  let instance: Instance;
  let running: RunningSend[];
  beforeAll(async () => {
    bin = await buildPrograms(['qmail-send', 'qmail-clean']);
  });
  afterAll(() => rm(bin, { recursive: true, force: true }));
  beforeEach(() => {
    instance = new Instance({ locals: 'mail.test\n', virtualdomains: 'virtual.test:vdom\n' });
    running = [];
  });
  afterEach(async () => {
    for (const send of running)
      if (send.child.exitCode === null && send.child.signalCode === null) await send.end('SIGKILL');
    await instance.remove();
  });
  return {
    get instance() {
      return instance;
    },
    start(options = {}) {
      const send = new RunningSend(bin, instance, options);
      running.push(send);
      return send;
    },
  };
}
