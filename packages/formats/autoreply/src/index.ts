export { answerOnce } from './answer.ts';
export type { Original } from './reply.ts';
export { type ReplyText, readReplyText } from './text.ts';
