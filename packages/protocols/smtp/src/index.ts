export { type Command, parseCommand } from './command.ts';
export { DataDecoder, type Decoded } from './data-decoder.ts';
export { DataEncoder } from './data-encoder.ts';
export { REPLY_BYTES_MAX, REPLY_TEXT_MAX } from './limits.ts';
export { NO_SENSE, type Reply, ReplyParser } from './reply.ts';
