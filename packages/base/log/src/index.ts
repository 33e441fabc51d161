export { escapeForLog, type Log, openLog } from './log.ts';
