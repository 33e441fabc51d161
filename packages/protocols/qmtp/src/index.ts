export { AnswerDecoder, answerLetter, encodeAnswer } from './answer.ts';
export { CrlfDecoder } from './crlf-decoder.ts';
export { MESSAGE_MAX } from './limits.ts';
export { BrokenOff, type ByteInput, NetstringReader, type Payload } from './netstring-reader.ts';
export { qmqpRequest, qmtpHead, qmtpTail } from './request.ts';
