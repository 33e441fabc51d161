export { escapeForLog, type Log, openGatheringLog, openLog } from './log.ts';
