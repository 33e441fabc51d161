export { sploggerMain } from './splogger.ts';
export { tcpEnvMain } from './tcp-env.ts';
