export { serviceFlags } from './options.ts';
export { vmailmgrdMain } from './vmailmgrd/main.ts';
