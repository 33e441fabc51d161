export { mailServiceFlags as pop3dFlags } from '@q/service';
export { pop3dMain } from './main.ts';
