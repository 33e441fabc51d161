export { listenFlags } from '@q/session';
export type { Config } from './config.ts';
export { smtpdMain, smtpSession } from './main.ts';
export { session } from './session.ts';
export type { Services } from './state.ts';
