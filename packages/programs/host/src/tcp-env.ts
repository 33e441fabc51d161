// tcp-env(1): under inetd, gives a server the environment that tcpserver would have given it.

import { Socket } from 'node:net';
import { faultOf, Temporary } from '@q/fault';
import { execve, findProgram } from '@q/posix';
import type { Invocation } from '@q/proc';
import { socketEnv } from '@q/session';
import { hostNameOf } from './host-name.ts';
import { askIdent } from './ident.ts';
import { IDENT_SECONDS } from './limits.ts';

/** Becomes the program in its arguments. Throws Temporary, which is exit code 111, when it cannot. */
export async function tcpEnvMain({ args, options, env }: Invocation): Promise<number> {
  const [file = ''] = args;
  try {
    const ident = options.R === true ? undefined : secondsOf(options.t);
    const wanted = env.PROTO === 'TCP' ? env : await environmentOf(0, env, ident);
    execve(findProgram(file, env.PATH), args, wanted);
  } catch (error) {
    throw new Temporary(faultOf(error, 'unable to describe the connection').message);
  }
}

function secondsOf(value: unknown): number {
  if (value === undefined) return IDENT_SECONDS;
  if (typeof value !== 'number' || !(value >= 0)) throw new Temporary('-t wants seconds');
  return value;
}

/** `base` with what is known of the connection on `fd`; `identSeconds` undefined asks no ident server. */
async function environmentOf(
  fd: number,
  base: Invocation['env'],
  identSeconds: number | undefined,
): Promise<NodeJS.ProcessEnv> {
  // Nothing is read: manualStart.
  const options = { fd, readable: true, writable: true, manualStart: true };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || localAddress === undefined)
    throw new Temporary(`descriptor ${fd} is no TCP connection`);
  const env = socketEnv(base, { remoteAddress, remotePort, localAddress, localPort });
  const { TCPREMOTEIP: remoteIp = '', TCPLOCALIP: localIp = '' } = env;
  const question = { remoteIp, remotePort: remotePort ?? 0, localIp, localPort: localPort ?? 0 };
  const [localHost, remoteHost, remoteInfo] = await Promise.all([
    hostNameOf(localIp),
    hostNameOf(remoteIp),
    identSeconds === undefined ? undefined : askIdent(question, identSeconds),
  ]);
  return { ...env, TCPLOCALHOST: localHost, TCPREMOTEHOST: remoteHost, TCPREMOTEINFO: remoteInfo };
}
