export { type ColonMap, parseColonMap } from './colon-map.ts';
export { type Control, firstLine, openControl, parseList, qmailHome } from './control.ts';
export { CONTROL_FILE_MAX } from './limits.ts';
export { type HostList, isForUs, MoreHosts, readRcptHosts } from './rcpt-hosts.ts';
export { sizeLimit } from './size-limit.ts';
