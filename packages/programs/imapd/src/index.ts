export { mailServiceFlags as imapdFlags } from '@q/service';
export { imaploginMain } from './login/imaplogin.ts';
export { imapdMain } from './main.ts';
export { imapReaderMain } from './reader.ts';
