export { type Command, decodeCommands, encodeCommands } from './command.ts';
export { type ForwardFile, parseForwardFile } from './dot-forward.ts';
export { InstructionReader, instructionText } from './instructions.ts';
export { LIST_MAX } from './limits.ts';
export { listText, parseListLine } from './mail-list.ts';
export { type Hosts, readHosts } from './qualify.ts';
export { aliasEntries, includeCommands } from './sendmail-files.ts';
export { findCommands, findOwner, targetsOf } from './table.ts';
