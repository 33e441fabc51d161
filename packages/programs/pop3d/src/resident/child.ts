// The entrance of our children: the first message over the IPC channel says what this process is.

import { Temporary } from '@q/fault';
import type { Invocation } from '@q/proc';
import { loginProcess } from './login-process.ts';
import type { LoginConfig, WorkerConfig } from './messages.ts';
import { workerProcess } from './worker-process.ts';

/** Runs as whatever the parent wants; resolves to the exit code. */
export async function residentChild({ env }: Invocation): Promise<number> {
  const config = await new Promise<LoginConfig | WorkerConfig>((resolve, reject) => {
    process.once('message', resolve);
    process.once('disconnect', () => reject(new Temporary('parent is gone')));
  });
  const code = await (config.kind === 'be-login'
    ? loginProcess(config)
    : workerProcess(config, env));
  if (process.connected) process.disconnect();
  return code;
}
