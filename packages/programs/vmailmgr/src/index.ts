export { listvdomainMain } from './listvdomain.ts';
export { vaddaliasMain, vadduserMain } from './vadduser.ts';
export { vdeliverMain } from './vdeliver.ts';
export { vdeluserMain } from './vdeluser.ts';
export { vpasswdMain } from './vpasswd.ts';
export { vsetupMain } from './vsetup.ts';
