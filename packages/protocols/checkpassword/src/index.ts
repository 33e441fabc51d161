export {
  type Credentials,
  decodeCredentials,
  encodeCredentials,
  readCredentials,
} from './credentials.ts';
export { CREDENTIALS_MAX, EXIT_MISUSED, EXIT_REFUSED, EXIT_TEMPORARY } from './limits.ts';
export { type CheckerRequest, runChecker } from './run-checker.ts';
