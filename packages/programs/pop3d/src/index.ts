export { listenFlags as pop3dFlags } from '@q/session';
export { pop3dMain } from './main.ts';
