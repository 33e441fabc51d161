export { encodeReply, REPLY_NAMES, type Reply, type ReplyCode } from './reply.ts';
export { decodeRequest, encodeRequest, Malformed, type Request, requestLength } from './request.ts';
