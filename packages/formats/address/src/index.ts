export {
  ENVELOPE_EXIT,
  type Envelope,
  EnvelopeDecoder,
  type EnvelopeEvents,
  encodeEnvelope,
} from './envelope.ts';
export { ENVELOPE_ADDRESS_MAX, PATH_MAX } from './limits.ts';
export { type Path, parsePath, parsePathAndParameters } from './path.ts';
export { quoteAddress, quoteLocal } from './quote.ts';
export { type SplitAddress, splitAddress } from './split.ts';
export { expandVerp, stripVerp } from './verp.ts';
