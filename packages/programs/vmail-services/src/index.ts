export { vmailAuthdMain } from './auth/authd-main.ts';
export { authvmailmgrMain } from './auth/authvmailmgr.ts';
export { vmailPipeMain } from './auth/pipe-main.ts';
export { vauthenticateMain } from './auth/vauthenticate.ts';
export { serviceFlags } from './options.ts';
export { vmailmgrdMain } from './vmailmgrd/main.ts';
