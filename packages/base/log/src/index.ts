export { escapeForLog, type Log, openGatheringLog, openLog, quoteForLog } from './log.ts';
