export { type BaseSubject, baseSubject } from './base-subject.ts';
export { type ByteSource, bufferSource, fileSource } from './byte-source.ts';
export { casemap } from './casemap.ts';
export { type Charset, charsetNamed, charsetNames, decodeText } from './charset.ts';
export { type CrlfRangeOptions, crlfRange, crlfRangeSize, type Partial } from './crlf.ts';
export { decodedBody } from './decoded-body.ts';
export { displayName } from './display-name.ts';
export { decodeHeader } from './encoded-word.ts';
export { FieldFilter } from './field-filter.ts';
export type {
  Address,
  Disposition,
  Envelope,
  LeafPart,
  Message,
  MessagePart,
  MultipartPart,
  Parameters,
  Part,
  Span,
} from './message.ts';
export { messageIds } from './message-id.ts';
export { decodeMessage, encodeMessage } from './message-record.ts';
export { messageText, type TextPiece } from './message-text.ts';
export { parameterText } from './parameter-text.ts';
export { MessageParser, parseMessage } from './parser.ts';
export { previewOf } from './preview.ts';
export { partAt, type SectionText, sectionSpan } from './section.ts';
export { parseSentDate, type SentDate } from './sent-date.ts';
