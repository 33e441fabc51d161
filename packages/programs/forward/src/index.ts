export { dotForwardMain } from './dot-forward.ts';
export { fastforwardMain } from './fastforward.ts';
export { newaliasesMain, newincludeMain } from './new-tables.ts';
export { printforwardMain, printmaillistMain } from './print-tables.ts';
export { setforwardMain, setmaillistMain } from './set-tables.ts';
