export { oncePerSender } from './memory.ts';
export { composeReply, Original } from './reply.ts';
export { HeaderSilence, senderSilence } from './silence.ts';
export { type ReplyText, readReplyText } from './text.ts';
