export {
  parseAddressList,
  type RewriteAddress,
  rewriteAddressList,
  withoutRoute,
} from './address-list.ts';
export { type Field, parseField, unfold } from './field.ts';
export { formatField, plainText } from './format.ts';
export { HeaderReader, type HeaderReaderOptions } from './header-reader.ts';
export { HEADER_MAX } from './limits.ts';
export { type Special, special, type Token, tokenize, type Word } from './token.ts';
