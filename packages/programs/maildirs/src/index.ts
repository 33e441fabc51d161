export { maildir2mboxMain } from './maildir2mbox.ts';
export { maildirmakeMain } from './maildirmake.ts';
export { maildirwatchMain } from './maildirwatch.ts';
export { mbox2maildirMain } from './mbox2maildir.ts';
export { elqMain, pinqMain, qailMain } from './with-reader.ts';
