export { pop3dMain } from './main.ts';
export { pop3dFlags } from './options.ts';
