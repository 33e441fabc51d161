export { type Authorizing, authorizationTable, tlsRequired } from './authorization.ts';
export { BodyEncoder } from './body.ts';
export { type Command, parseCommand, parseNumber, parseNumbers } from './command.ts';
export { COMMAND_LINE_MAX } from './limits.ts';
export { CAPABILITIES, capabilityList, END_OF_LIST, ERR, err, OK, ok } from './replies.ts';
export { type End, type Row, type Step, say, serveCommands } from './serve.ts';
export { uidOf } from './uid.ts';
