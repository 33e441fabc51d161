export {
  decodeBase64,
  type Mechanism,
  mechanismOf,
  type SaslLogin,
  type SaslStep,
  startExchange,
} from './exchange.ts';
export { RESPONSE_MAX } from './limits.ts';
export { type ScramTerms, scramTerms } from './scram.ts';
