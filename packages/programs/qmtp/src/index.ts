export { listenFlags } from '@q/session';
export { qmqpcMain } from './qmqpc.ts';
export { qmqpdMain, qmtpdMain } from './server-main.ts';
